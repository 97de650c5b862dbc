"""All settings: their table, how they are read, and what is refused."""

from wagateway.settings.checks import Refused as Refused
from wagateway.settings.loading import load as load
from wagateway.settings.table import Seconds as Seconds
from wagateway.settings.table import Secret as Secret
from wagateway.settings.table import Settings as Settings
