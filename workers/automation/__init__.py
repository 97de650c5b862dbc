"""What a device does by itself because a setting asks for it: reads, answers, rejects, shows presence."""

from workers.automation.automation import Automation as Automation
