"""Commands to the simulated WhatsApp network and its phones."""
