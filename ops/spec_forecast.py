"""What a spec would take and cost, as far as the pipeline of this place knows; none is needed."""

from collections.abc import Iterator

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
        why = "; ".join(_doubts(foreseen, ports))
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
    doubt = f"; {one.why}" if one.why else ""
    return f"{takes} and cost {dollars(one.nanodollars)}, by what has run there of late{doubt}."


def _doubts(foreseen: Foreseen, ports: Ports) -> Iterator[str]:
    """Why something is not known, or hardly, in words; nothing if all is."""
    lane = next((one for one in ports.lanes if one.id == foreseen.lane), None)
    if lane is None:
        yield foreseen.why
        return
    if foreseen.takes is None:
        hours = MEMORY.total_seconds() / 3600
        yield f"nothing was finished on {lane.id} in the last {hours:.0f} hours"
    elif foreseen.is_guess:
        yield f"it is a guess, {foreseen.stretch:.0f} times as large as what has run there of late"
    if lane.price is None:
        yield f"{lane.id} has no price"
    elif foreseen.takes is None:
        minute = dollars(cost_of(lane, MINIMUM, foreseen.tasks))
        machines = "its one machine" if foreseen.tasks == 1 else f"its {foreseen.tasks} machines"
        yield f"a minute of {machines} is {minute}"
