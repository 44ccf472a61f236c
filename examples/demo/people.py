"""What people say of the demo's warehouse: whose it is, and what is personal."""

from __future__ import annotations

from headwater import EntityReference, Headwater, Table

SERVICE = "cellar.warehouse"
TEAMS = {
    "laboratory": ("raw.samples", "raw.chemistry", "raw.phenols", "raw.colour"),
    "shop": ("raw.customers", "raw.orders"),
    "data-science": ("features.wine", "features.customer", "features.order_line"),
}
TAGS = {"Sensitive": "Tells who somebody is.", "Internal": "Not for outside, and of nobody."}
SENSITIVE = ("email", "birth_date")


def describe(hw: Headwater) -> None:
    """Make teams, a user and tags; give tables owners, and columns tags."""
    hw.create_or_update({"name": "PII", "description": "Personal data."}, kind="classification")
    for name, meaning in TAGS.items():
        request = {"name": name, "classification": "PII", "description": meaning}
        hw.create_or_update(request, kind="tag")
    for team, tables in TEAMS.items():
        owner = hw.create_or_update({"name": team, "email": f"{team}@example.com"}, kind="team")
        for name in tables:
            table = hw.get(Table, f"{SERVICE}.{name}")
            table.owners = [EntityReference(id=owner.id, type="team")]
            hw.update(table)
        print(f"  team {team} owns {', '.join(tables)}")
    steward = {"name": "steward", "displayName": "Data steward", "teams": ["shop"]}
    hw.create_or_update(steward, kind="user")
    sensitive = hw.get("tag", "PII.Sensitive").id
    customers = hw.get(Table, f"{SERVICE}.raw.customers")
    for column in customers.columns or []:
        if column.name in SENSITIVE:
            column.tags = [EntityReference(id=sensitive, type="tag")]
    hw.update(customers)
    print(f"  PII.Sensitive: {', '.join(SENSITIVE)} of raw.customers")
