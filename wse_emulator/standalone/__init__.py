"""Parts of the machine by themselves: a few activities, or one collective, on an empty wafer."""

from wse_emulator.engines.alone import compute, run_alone
from wse_emulator.standalone.collective import Request, Study, study

__all__ = ["Request", "Study", "compute", "run_alone", "study"]
