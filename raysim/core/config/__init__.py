"""The scenario: its models, what is checked of them, and the reference made from them. Pure, no I/O.

`scenario.Scenario` is what the rest of raysim reads; `reading.read_scenario` makes one of a parsed document, or says
everything that is wrong with it.
"""
