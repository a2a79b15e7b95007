"""Names, streets and towns to draw from, by country.

First and last names are Faker's lists for the country's locale, drawn with the frequencies the
lists have (a Smith is common); the British tail, which they lack, is composed.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from functools import cache
from typing import Final

import polars as pl

__all__ = ["MAIL_DOMAINS", "NICKNAMES", "Pools", "pools"]

_SLOTS: Final = 4096
"""Draws are by index: each list is laid out in this many slots, a name as often as it is common."""

_LOCALES: Final = {
    "Austria": ("de_AT", "+43", "Wien Graz Wels Salzburg Innsbruck"),
    "Belgium": ("nl_BE", "+32", "Brussel Antwerpen Gent Leuven Brugge"),
    "Denmark": ("da_DK", "+45", "Aarhus Odense Aalborg Esbjerg Roskilde"),
    "EIRE": ("en_IE", "+353", "Dublin Cork Galway Limerick Sligo"),
    "Finland": ("fi_FI", "+358", "Helsinki Espoo Tampere Turku Oulu"),
    "France": ("fr_FR", "+33", "Paris Lyon Nantes Lille Rennes"),
    "Germany": ("de_DE", "+49", "Berlin Hamburg Köln München Leipzig"),
    "Greece": ("el_GR", "+30", "Athina Patra Larisa Volos Chania"),
    "Italy": ("it_IT", "+39", "Roma Milano Torino Bologna Verona"),
    "Netherlands": ("nl_NL", "+31", "Amsterdam Utrecht Leiden Delft Breda"),
    "Norway": ("no_NO", "+47", "Oslo Bergen Trondheim Stavanger Bodø"),
    "Portugal": ("pt_PT", "+351", "Lisboa Porto Braga Coimbra Faro"),
    "Spain": ("es_ES", "+34", "Madrid Sevilla Bilbao Granada Vigo"),
    "Sweden": ("sv_SE", "+46", "Stockholm Lund Uppsala Malmö Umeå"),
    "Switzerland": ("de_CH", "+41", "Zürich Bern Basel Luzern Genf"),
    "USA": ("en_US", "+1", "Boston Denver Austin Seattle Portland"),
    "": ("en_US", "+61", "Newtown Kingston Victoria Georgetown Hamilton"),
}
_BRITISH: Final = ("United Kingdom", "Channel Islands")

_TOWNS: Final = (
    "London|E London|N London|NW London|SE London|SW London|W Leeds|LS Manchester|M Sheffield|S "
    "Bristol|BS Birmingham|B Liverpool|L Nottingham|NG Leicester|LE Coventry|CV Bradford|BD "
    "Cardiff|CF Swansea|SA Newport|NP Edinburgh|EH Glasgow|G Aberdeen|AB Dundee|DD Inverness|IV "
    "Belfast|BT York|YO Hull|HU Newcastle|NE Sunderland|SR Durham|DH Darlington|DL Carlisle|CA "
    "Lancaster|LA Preston|PR Blackpool|FY Bolton|BL Oldham|OL Stockport|SK Chester|CH Crewe|CW "
    "Derby|DE Lincoln|LN Peterborough|PE Norwich|NR Ipswich|IP Colchester|CO Cambridge|CB "
    "Luton|LU Watford|WD Stevenage|SG Reading|RG Oxford|OX Swindon|SN Gloucester|GL Worcester|WR "
    "Hereford|HR Shrewsbury|SY Telford|TF Stoke|ST Wolverhampton|WV Dudley|DY Walsall|WS "
    "Northampton|NN Milton-Keynes|MK Slough|SL Guildford|GU Brighton|BN Portsmouth|PO "
    "Southampton|SO Bournemouth|BH Salisbury|SP Bath|BA Taunton|TA Exeter|EX Plymouth|PL Truro|TR "
    "Torquay|TQ Dorchester|DT Canterbury|CT Maidstone|ME Tunbridge-Wells|TN Redhill|RH Croydon|CR "
    "Bromley|BR Kingston|KT Sutton|SM Harrow|HA Enfield|EN Romford|RM Ilford|IG Dartford|DA"
)
_STREETS: Final = (
    "High Church Station Victoria Park Manor Kings Queens Grange Springfield York Windsor Albert "
    "Mill School New Main North South West East Chapel Green Highfield Alexandra Stanley Grove "
    "London George Broad Bridge Castle Elm Oak Ash Beech Cedar Chestnut Willow Hawthorn Birch "
    "Maple Poplar Rowan Laurel Holly Ivy Rose Meadow Orchard Garden Hill Field Brook River Lake "
    "Forest Wood Heath Moor Cross Market Abbey Priory Cathedral Rectory Vicarage Clarence "
    "Cavendish Devonshire Norfolk Suffolk Essex Kent Surrey Sussex Dorset Cumberland "
    "Richmond Warwick Stafford Nelson Wellington Churchill Gladstone Waterloo Trafalgar Alma "
    "Balmoral Sandringham Osborne"
)
_STREET_KINDS: Final = "Street Road Road Road Street Avenue Lane Close Drive Way Gardens Crescent"
_TAIL_STARTS: Final = (
    "Ash Brad Thorn Wist Black Red Green Hather Old New Hol Harl Lang Stan Wal Win Wood Had Cran "
    "Ald Amb Bar Beck Bick Bolt Burn Cald Chad Cheld Clif Cold Crom Dal Dun Ed El Farn Fen Gar "
    "Hay Hex Ing Kel Kirk Lin Mar Mel Nor Off Pem Rad Rother Sax Shel Somer Sut Tam Tot Up Wake"
)
_TAIL_ENDS: Final = (
    "ley worth ton field well bury ham wick combe croft dale den ford gate grave hurst land low "
    "man mere more pole ridge shaw side stead stone thorpe wood"
)

MAIL_DOMAINS: Final = (
    ["gmail.com"] * 34 + ["hotmail.co.uk"] * 14 + ["hotmail.com"] * 8 + ["yahoo.co.uk"] * 12
    + ["outlook.com"] * 9 + ["icloud.com"] * 6 + ["btinternet.com"] * 8 + ["aol.com"] * 3
    + ["sky.com"] * 3 + ["live.co.uk"] * 3
)  # fmt: skip
"""Mail providers, as often as British customers use them (rounded)."""

NICKNAMES: Final = {
    long: short.split("/")
    for long, short in (
        pair.split("=")
        for pair in [
            "Abigail=Abi/Abby",
            "Alexander=Alex/Sandy",
            "Alexandra=Alex/Lexi",
            "Alison=Ali",
            "Amanda=Mandy",
            "Andrew=Andy/Drew",
            "Anthony=Tony",
            "Antony=Tony",
            "Barbara=Barb",
            "Benjamin=Ben",
            "Bethany=Beth",
            "Catherine=Cath/Kate",
            "Charlotte=Charlie/Lottie",
            "Christine=Chris/Chrissie",
            "Christopher=Chris/Kit",
            "Clifford=Cliff",
            "Daniel=Dan/Danny",
            "David=Dave",
            "Deborah=Debbie/Debs",
            "Dominic=Dom",
            "Donald=Don",
            "Dorothy=Dot",
            "Douglas=Doug",
            "Edward=Ed/Ted",
            "Eleanor=Ellie/Nell",
            "Elizabeth=Liz/Beth/Betty",
            "Frances=Fran",
            "Francesca=Fran",
            "Francis=Frank",
            "Frederick=Fred",
            "Gareth=Gaz",
            "Geoffrey=Geoff",
            "Georgina=George/Gina",
            "Gerald=Gerry",
            "Geraldine=Gerry",
            "Gillian=Gill",
            "Gregory=Greg",
            "Jacqueline=Jackie",
            "James=Jim/Jamie",
            "Jane=Janie",
            "Janet=Jan",
            "Jeffrey=Jeff",
            "Jennifer=Jen/Jenny",
            "Jeremy=Jez",
            "Jessica=Jess",
            "Joanna=Jo",
            "Joanne=Jo",
            "John=Jack",
            "Jonathan=Jon/Jonny",
            "Joseph=Joe",
            "Joshua=Josh",
            "Judith=Judy",
            "Katherine=Kate/Kathy",
            "Kathleen=Kath",
            "Kathryn=Kath/Kate",
            "Kenneth=Ken",
            "Kimberley=Kim",
            "Lawrence=Larry",
            "Leonard=Len",
            "Leslie=Les",
            "Louise=Lou",
            "Margaret=Maggie/Peggy",
            "Martin=Marty",
            "Matthew=Matt",
            "Maureen=Mo",
            "Melanie=Mel",
            "Michael=Mike/Mick",
            "Michelle=Shelly",
            "Mitchell=Mitch",
            "Natalie=Nat",
            "Nathan=Nate",
            "Nicholas=Nick",
            "Nicola=Nicky",
            "Oliver=Ollie",
            "Pamela=Pam",
            "Patricia=Pat/Trish",
            "Patrick=Paddy/Pat",
            "Pauline=Polly",
            "Peter=Pete",
            "Philip=Phil",
            "Rachael=Rach",
            "Rachel=Rach",
            "Raymond=Ray",
            "Rebecca=Becky/Bex",
            "Richard=Rich/Dick",
            "Robert=Rob/Bob",
            "Roger=Rog",
            "Ronald=Ron",
            "Russell=Russ",
            "Samantha=Sam",
            "Samuel=Sam",
            "Sandra=Sandy",
            "Sarah=Sally",
            "Stephanie=Steph",
            "Stephen=Steve",
            "Steven=Steve",
            "Stewart=Stew",
            "Stuart=Stu",
            "Susan=Sue/Susie",
            "Suzanne=Sue",
            "Teresa=Terry",
            "Terence=Terry",
            "Thomas=Tom/Tommy",
            "Timothy=Tim",
            "Tracey=Trace",
            "Valerie=Val",
            "Victoria=Vicky/Tori",
            "Vincent=Vince",
            "Vivienne=Viv",
            "William=Will/Bill",
            "Yvonne=Von",
            "Zachary=Zac",
        ]
    )
}
"""Short forms people go by, per first name."""


@dataclass(frozen=True, slots=True)
class Pools:
    """Hold all names in one series a kind, and where each country's part begins."""

    male: pl.Series
    female: pl.Series
    last: pl.Series
    town: pl.Series
    area: pl.Series
    street: pl.Series
    countries: pl.DataFrame
    """Columns country, slot (start of its names), town_slot, dial, british."""

    def block(self) -> int:
        """Return how many slots each country has."""
        return _SLOTS


@cache
def pools() -> Pools:
    """Build the pools once a process."""
    people = [_people("en_GB"), *(_people(locale) for locale, _, _ in _LOCALES.values())]
    british = [town.split("|") for town in _spread(_TOWNS.split())]
    towns = [name.replace("-", " ") for name, _ in british]
    codes, rows = [area for _, area in british], []
    rows += [(country, 0, "+44", True) for country in _BRITISH]
    for place, (country, (_, dial, cities)) in enumerate(_LOCALES.items(), start=1):
        rows.append((country, place * _SLOTS, dial, False))
        towns += _spread(cities.split())
        codes += [""] * _SLOTS
    return Pools(
        male=pl.Series([name for male, _, _ in people for name in male]),
        female=pl.Series([name for _, female, _ in people for name in female]),
        last=pl.Series([name for _, _, last in people for name in last]),
        town=pl.Series(towns),
        area=pl.Series(codes),
        street=pl.Series(
            [f"{name} {kind}" for kind in _STREET_KINDS.split() for name in _STREETS.split()]
        ),
        countries=pl.DataFrame(rows, schema=["country", "slot", "dial", "british"], orient="row"),
    )


def _people(locale: str) -> tuple[list[str], list[str], list[str]]:
    provider = importlib.import_module(f"faker.providers.person.{locale}").Provider
    if locale == "en_GB":
        tail = [start + end for start in _TAIL_STARTS.split() for end in _TAIL_ENDS.split()]
        common = _SLOTS * 6 // 10
        last = _spread(provider.last_names, common) + _spread(tail, _SLOTS - common)
    else:
        last = _spread(provider.last_names)
    return _spread(provider.first_names_male), _spread(provider.first_names_female), last


def _spread(
    names: list[str] | tuple[str, ...] | dict[str, float], slots: int = _SLOTS
) -> list[str]:
    """Lay names out over the slots, each as often as its weight says."""
    weights = names if isinstance(names, dict) else dict.fromkeys(names, 1.0)
    laid: list[str] = []
    total, so_far = sum(weights.values()), 0.0
    for name, weight in weights.items():
        so_far += weight
        laid += [name] * (round(so_far / total * slots) - len(laid))
    return laid
