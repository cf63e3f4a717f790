"""Coordinates: metres of the city, WGS-84 or CGCS2000 degrees, and the GCJ-02 of public Chinese maps.

WGS-84 and CGCS2000 differ by centimetres; they are treated as one. GCJ-02 is for drawing on public maps only:
nothing is computed or sent in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pyproj
from numpy.typing import ArrayLike, NDArray

from wayside.table import F64

GCJ02_SEMI_MAJOR_AXIS = 6378245.0  # m, of the Krasovsky ellipsoid
GCJ02_ECCENTRICITY_2 = 0.00669342162296594323  # squared first eccentricity
CHINA_LATITUDE = (0.8293, 55.8271)  # degrees; the box outside of which GCJ-02 is WGS-84
CHINA_LONGITUDE = (72.004, 137.8347)


@lru_cache(maxsize=32)
def _transformer(definition: str) -> pyproj.Transformer:
    """Return the way from a projection to WGS-84 longitude and latitude."""
    return pyproj.Transformer.from_crs(pyproj.CRS.from_user_input(definition), "EPSG:4326", always_xy=True)


def _finite(values: ArrayLike) -> F64:
    """Return the values with NaN for those that the projection could not place."""
    array = np.asarray(values, np.float64)
    return np.where(np.isfinite(array), array, np.nan)


@dataclass(frozen=True, slots=True)
class Projection:
    """How the metres of a city lie on the globe.

    Attributes:
        definition: a PROJ string, an EPSG code or WKT, in metres.
        east, north: added to projected coordinates to get those of the city [m].

    Limits: as exact as the projection; transverse Mercator within a city: better than a micrometre there and back.

    >>> city = Projection.around(22.71, 114.35)
    >>> x, y = city.from_wgs84([22.71, 22.72], [114.35, 114.35])
    >>> x.round(3) + 0.0, y.round(1) + 0.0
    (array([0., 0.]), array([   0. , 1107.4]))
    """

    definition: str
    east: float = 0.0
    north: float = 0.0

    def __post_init__(self) -> None:
        """Refuse what PROJ does not understand."""
        try:
            _transformer(self.definition)
        except pyproj.exceptions.ProjError as error:
            raise ValueError(f"projection {self.definition!r} is not one PROJ understands: {error}") from None

    @classmethod
    def around(cls, latitude: float, longitude: float) -> Projection:
        """Return a transverse Mercator projection whose origin is that point [degrees]."""
        if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
            raise ValueError(f"origin {latitude}, {longitude} is not latitude, longitude in degrees")
        return cls(f"+proj=tmerc +lat_0={latitude!r} +lon_0={longitude!r} +k=1 +ellps=WGS84 +units=m +no_defs")

    def to_wgs84(self, x: ArrayLike, y: ArrayLike) -> tuple[F64, F64]:
        """Return latitude and longitude [degrees] of the city's metres; NaN where unknown."""
        east, north = np.asarray(x, np.float64) - self.east, np.asarray(y, np.float64) - self.north
        longitude, latitude = _transformer(self.definition).transform(east, north)
        return _finite(latitude), _finite(longitude)

    def from_wgs84(self, latitude: ArrayLike, longitude: ArrayLike) -> tuple[F64, F64]:
        """Return the city's metres of latitude and longitude [degrees]; NaN where unknown."""
        degrees = np.asarray(longitude, np.float64), np.asarray(latitude, np.float64)
        east, north = _transformer(self.definition).transform(*degrees, direction="INVERSE")
        return _finite(east) + self.east, _finite(north) + self.north


def _inside_china(latitude: F64, longitude: F64) -> NDArray[np.bool_]:
    """Tell which points lie in the box in which GCJ-02 shifts."""
    return (
        (latitude >= CHINA_LATITUDE[0])
        & (latitude <= CHINA_LATITUDE[1])
        & (longitude >= CHINA_LONGITUDE[0])
        & (longitude <= CHINA_LONGITUDE[1])
    )


def _waves(angle: F64, pairs: tuple[tuple[float, float], ...]) -> F64:
    """Return two thirds of a sum of sines, each (amplitude, frequency) of the angle."""
    total = np.zeros_like(angle)
    for amplitude, frequency in pairs:
        total += amplitude * np.sin(frequency * angle)
    return total * (2.0 / 3.0)


def gcj02_from_wgs84(latitude: ArrayLike, longitude: ArrayLike) -> tuple[F64, F64]:
    """Return GCJ-02 degrees of WGS-84 degrees; the same degrees outside China.

    Limits: the formula as published on the open web, not the official plug-in, whose figures it meets to
    about a metre. For display only.

    >>> [v.round(6).item() for v in gcj02_from_wgs84(22.7, 114.35)]
    [22.697296, 114.354922]
    """
    lat, lon = np.broadcast_arrays(np.asarray(latitude, np.float64), np.asarray(longitude, np.float64))
    x, y = lon - 105.0, lat - 35.0
    root, short = np.sqrt(np.abs(x)), _waves(x * np.pi, ((20.0, 6.0), (20.0, 2.0)))
    north = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root + short
    north = north + _waves(y * np.pi, ((20.0, 1.0), (40.0, 1 / 3), (160.0, 1 / 12), (320.0, 1 / 30)))
    east = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root + short
    east = east + _waves(x * np.pi, ((20.0, 1.0), (40.0, 1 / 3), (150.0, 1 / 12), (300.0, 1 / 30)))
    radians = np.radians(lat)
    flat = 1.0 - GCJ02_ECCENTRICITY_2 * np.sin(radians) ** 2
    meridian = GCJ02_SEMI_MAJOR_AXIS * (1.0 - GCJ02_ECCENTRICITY_2) / flat**1.5
    parallel = GCJ02_SEMI_MAJOR_AXIS / np.sqrt(flat) * np.cos(radians)
    inside = _inside_china(lat, lon)
    parallel = np.where(inside, parallel, 1.0)
    return (
        np.where(inside, lat + np.degrees(north / meridian), lat),
        np.where(inside, lon + np.degrees(east / parallel), lon),
    )


def wgs84_from_gcj02(latitude: ArrayLike, longitude: ArrayLike, *, rounds: int = 8) -> tuple[F64, F64]:
    """Return WGS-84 degrees of GCJ-02 degrees by walking back the shift until it fits.

    Limits: near the edge of the box (within the shift, about 0.01 degrees) some GCJ-02 points have no
    WGS-84 point or two; the last guess is returned.
    """
    lat, lon = np.broadcast_arrays(np.asarray(latitude, np.float64), np.asarray(longitude, np.float64))
    guess_lat, guess_lon = lat.copy(), lon.copy()
    for _ in range(rounds):
        got_lat, got_lon = gcj02_from_wgs84(guess_lat, guess_lon)
        guess_lat, guess_lon = guess_lat + (lat - got_lat), guess_lon + (lon - got_lon)
    return guess_lat, guess_lon
