"""The lines of business, each with the company names and the deals that fit it. All splits share them."""

from __future__ import annotations

from typing import NamedTuple


class Industry(NamedTuple):
    """A line of business.

    Attributes:
        name: As it stands in a record's `industry`.
        suffixes: What companies of that line are called, after their first word.
        deals: What is sold to them.
    """

    name: str
    suffixes: tuple[str, ...]
    deals: tuple[str, ...]


def _industry(name: str, suffixes: str, deals: str) -> Industry:
    return Industry(name, tuple(suffixes.split(", ")), tuple(deals.split(", ")))


INDUSTRIES: tuple[Industry, ...] = (
    _industry("Optics", "Optics, Lens Works, Optik, Photonics, Glassworks",
              "lens bench, coating line, test rig, clean room fitting, microscope fleet, alignment service"),
    _industry("Shipbuilding", "Shipyard, Boatworks, Marine, Dry Dock, Skipsverft",
              "dry dock refit, crane upgrade, hull scanner, paint hall, engine bench, safety training"),
    _industry("Furniture", "Joinery, Furniture, Möbel, Woodcraft, Upholstery",
              "saw line, dust extraction, veneer press, showroom fitting, packing robot, drying kiln"),
    _industry("Food", "Foods, Bakery, Dairy, Preserves, Mlekarna",
              "cold store, oven line, labelling station, recipe system, wash-down service, packing hall"),
    _industry("Healthcare", "Clinic, Medical, Care, Health, Klinika",
              "ward equipment, imaging suite, patient portal, lab fridge fleet, nurse call system, sterile store"),
    _industry("Logistics", "Freight, Logistics, Haulage, Warehousing, Spedition",
              "route planner, pallet racking, fleet telematics, yard cameras, sorting belt, dock levellers"),
    _industry("Energy", "Energy, Solar, Windpark, Hydro, Energia",
              "inverter service, turbine check, substation upgrade, battery store, grid study, meter rollout"),
    _industry("Education", "Academy, College, Institute, Schools, Akademie",
              "laboratory fitting, learning platform, library system, workshop tools, campus network, hall screens"),
    _industry("Hospitality", "Hotels, Resorts, Inns, Catering, Gasthaus",
              "kitchen refit, booking system, linen service, lobby furniture, door lock system, spa equipment"),
    _industry("Textiles", "Textiles, Weavers, Mills, Knitwear, Tekstil",
              "loom upgrade, dye house, cutting table, yarn store, pattern software, sewing line"),
    _industry("Agriculture", "Farms, Orchards, Growers, Seeds, Gårdsbruk",
              "irrigation system, greenhouse climate, grain dryer, milking robot, soil sensors, tractor leasing"),
    _industry("Construction", "Builders, Construction, Masonry, Scaffolding, Bau",
              "site cameras, formwork rental, tower crane lease, concrete plant, tool fleet, safety netting"),
    _industry("Chemicals", "Chemicals, Laboratories, Coatings, Polymers, Kemi",
              "reactor skid, fume hoods, tank farm survey, emission monitor, sample robot, waste water plant"),
    _industry("Media", "Media, Press, Studios, Broadcasting, Verlag",
              "studio lights, archive system, newsroom tools, camera fleet, print line, subtitle service"),
    _industry("Software", "Software, Systems, Digital, Data, Yazılım",
              "cloud move, support desk, security audit, data platform, developer seats, backup service"),
    _industry("Retail", "Stores, Trading, Market, Boutiques, Handel",
              "till system, shelf labels, stock counting, web shop, store lighting, loyalty scheme"),
    _industry("Metalwork", "Foundry, Metalworks, Forge, Castings, Stål",
              "furnace lining, laser cutter, welding cells, press brake, casting line, surface scanner"),
    _industry("Water", "Waterworks, Pumps, Aqua, Filtration, Wodociągi",
              "pump station, leak detection, filter change, pipe survey, control room, sludge press"),
)  # fmt: skip

PLACES = (
    "north hall", "south hall", "east wing", "west wing", "main site", "old plant", "new plant", "head office",
    "harbour depot", "upper floor", "ground floor", "outer yard", "night shift", "field teams",
    "pilot site", "sister site",
)  # fmt: skip
"""Where a deal is for."""
