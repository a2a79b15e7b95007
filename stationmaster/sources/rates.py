"""How often people do what makes counting them hard; each rate with its reason.

These are the world's properties. They are set from what is known of British online shops, before
and apart from any matching code: a rate that is changed to please a matcher spoils the measure.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Rates"]


@dataclass(frozen=True, slots=True)
class Rates:
    """Hold every rate of the generated world; shares are of 1, annual rates per person and year."""

    # Who orders. Real customer ids are people; real orders without one are guest checkouts.
    guest_is_customer: float = 0.20
    """Guest checkouts by someone who also has a customer id: in a hurry, or a lost password."""
    guest_comes_back: float = 0.15
    """Guest checkouts by people who never register but order again."""
    guests_per_pool: int = 3
    """Orders a returning guest places as a guest, on average."""

    # Households.
    in_household: float = 0.35
    """Chance to live in the household drawn for one (up to three customers); 2 in 10 customers
    then share an address with another one."""
    same_surname: float = 0.80
    family_phone: float = 0.40
    """Members who give the household's landline."""
    shared_mail: float = 0.06
    """Households whose members all order with one mail address. More couples have one (Pew
    Research 2014: 27 %), but few shop for their business with it."""
    family_tablet: float = 0.50
    """Members who use the household's tablet, for 3 in 10 of their app visits."""

    # Change over time. Movers: English Housing Survey, about 1 household in 10 a year.
    moves_a_year: float = 0.10
    new_mail_a_year: float = 0.05
    new_phone_a_year: float = 0.06
    new_device_a_year: float = 0.30
    """A phone is kept two to three years and half of the visits are from it."""

    # Channels.
    web_only: float = 0.50
    app_only: float = 0.20
    logged_in_web: float = 0.90
    """Orders of registered people placed while logged in; the rest are guest checkouts."""
    logged_in_app: float = 0.65
    second_web_account: float = 0.03
    """People who at some day register again with another mail."""
    second_mail: float = 0.18
    """People with a work mail; half of them use it in the app."""

    # How people type.
    nickname: float = 0.30
    """People with a usual short form who use it; drawn per person and source."""
    initial_only: float = 0.05
    middle_initial: float = 0.06
    name_typo: float = 0.015
    """Per typed name. Once per account (typed at registration), anew for each guest checkout."""
    address_typo: float = 0.03
    postcode_typo: float = 0.008
    mail_typo: float = 0.006
    """Low: shops ask twice or send a confirmation."""
    phone_typo: float = 0.006
    lower_case: float = 0.06
    upper_case: float = 0.02
    odd_spaces: float = 0.03
    surname_first: float = 0.01
    agent_typo: float = 0.03
    """Per name that a support agent typed from a call."""

    # Missing fields.
    web_no_phone: float = 0.20
    app_no_mail: float = 0.08
    app_no_address: float = 0.02
    support_no_mail: float = 0.15
    support_no_phone: float = 0.55
    support_no_order: float = 0.12
    """Tickets whose order number nobody wrote down."""
    delivery_no_phone: float = 0.35
    delivery_no_postcode: float = 0.01

    # Visits. 1 order in 8 visits is high for retail and usual for returning trade buyers.
    visits_per_order: int = 8
    visit_by_buyer: float = 0.30
    """Further visits by the person who orders that day."""
    visit_by_customer: float = 0.25
    """Further visits by any customer; the others are strangers."""
    visit_logged_in: float = 0.40
    bounce: float = 0.40
    closed_day_visits: float = 0.40
    """Visits on a day without orders, as a share of the median day's."""

    # Delivery and support.
    failed_attempt: float = 0.05
    returned: float = 0.02
    late_by_a_day: float = 0.15
    question: float = 0.04
    complaint: float = 0.015
