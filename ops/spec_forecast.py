"""What a spec would take and cost, as far as the pipeline of this place knows; none is needed."""

from functions.core.budget import cost_of
from functions.core.ledger import MEMORY
from functions.core.prices import MINIMUM, dollars
from functions.errors import NotConfigured
from functions.ports import Ports
from functions.wiring import looking_ports
from ops.forecast import Foreseen, forecast
from ops.times import length
from schemas.plan import RenderPlan
from schemas.ports import StoreRefused
from schemas.spec_reading import SpecForecast


def spec_forecast(plan: RenderPlan) -> SpecForecast:
    """As the lanes and their ledger stand now. What is not known is None, and `why` says why."""
    try:
        ports = looking_ports()
        foreseen = forecast(ports, ports.clock()).of_whole(plan)
    except (NotConfigured, StoreRefused, OSError) as error:
        foreseen, why = Foreseen(), " ".join(str(error).split()).removesuffix(".")
    else:
        why = _unknown(foreseen, ports)
    return SpecForecast(
        files=len(plan.outputs),
        frames=plan.frames,
        chunks=plan.chunks,
        lane=foreseen.lane,
        takes=foreseen.takes,
        nanodollars=foreseen.nanodollars,
        why=why,
    )


def forecast_line(one: SpecForecast) -> str:
    """The time and the cost in a sentence."""
    if one.takes is None:
        return f"How long it takes and what it costs is not known: {one.why}."
    takes = f"On {one.lane} it would take {length(one.takes)} from its first task on"
    if one.nanodollars is None:
        return f"{takes}; what it costs is not known: {one.why}."
    return f"{takes} and cost {dollars(one.nanodollars)}, by what has run there of late."


def _unknown(foreseen: Foreseen, ports: Ports) -> str:
    """Why something is not known, in words; empty if all is."""
    lane = next((one for one in ports.lanes if one.id == foreseen.lane), None)
    if lane is None:
        return foreseen.why
    if foreseen.takes is not None:
        return "" if lane.price else f"{lane.id} has no price"
    hours = MEMORY.total_seconds() / 3600
    said = f"nothing was finished on {lane.id} in the last {hours:.0f} hours"
    if lane.price is None:
        return f"{said}, and it has no price"
    minute = dollars(cost_of(lane, MINIMUM, foreseen.tasks))
    machines = "its one machine" if foreseen.tasks == 1 else f"its {foreseen.tasks} machines"
    return f"{said}; a minute of {machines} is {minute}"
