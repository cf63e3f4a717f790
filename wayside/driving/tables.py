"""What road users will probably do."""

from __future__ import annotations

from wayside.table import F64, U64, Table, column

HORIZON_STEPS = 20  # instants of a forecast
HORIZON_STEP_S = 0.25  # spacing of those instants


class Forecasts(Table, key=("id",), position=("x", "y"), stored=False):
    """Predicted centres of each actor at 0.25, 0.5, ... 5 s from now, and how sure that is."""

    id: U64 = column("", "identity of the actor")
    x: F64 = column("m", "centre now, east of the city's origin", places=3)
    y: F64 = column("m", "centre now, north of the city's origin", places=3)
    future_x: F64 = column("m", "predicted centre, east", places=3, shape=(HORIZON_STEPS,))
    future_y: F64 = column("m", "predicted centre, north", places=3, shape=(HORIZON_STEPS,))
    future_heading: F64 = column("rad", "predicted heading", places=4, shape=(HORIZON_STEPS,))
    future_sigma: F64 = column("m", "standard deviation per axis", places=2, shape=(HORIZON_STEPS,))
