"""Parts of the machine by themselves: a few activities, or one collective, on an empty wafer."""

from wse_emulator.standalone.collective import Request, Study, study
from wse_emulator.standalone.run import compute, run_alone

__all__ = ["Request", "Study", "compute", "run_alone", "study"]
