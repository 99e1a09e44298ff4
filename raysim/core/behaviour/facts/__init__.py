"""Facts that questions are made of: tables of tab-separated values, nothing else. No code, no I/O.

Every file starts with a line `# source: …`, then names its columns, then has one row per fact. The first column is the
key (in tech_contrasts, the first two together): no two rows of a file share it. Cells hold plain text without leading
or trailing white space; years are whole numbers, negative before our era. What a template may rely on, by file (`name`
unless another column is said):

* historical_events: a noun phrase with its article and without a year, usable after "after", "during", "about"
  (the Lisbon earthquake); `place` follows "in" and is not part of the name; `theme` is a mass noun or a plural (trade,
  women's rights); `year` is the first year of what lasted longer.
* historical_people: a person's name, nobody living; `field` takes "the" (the astronomer Johannes Kepler);
  `known_for` follows "known for"; `century` follows "in" and is the one most of the work falls into.
* inventions: a noun phrase with "the", or a plural or mass noun without article, follows "the invention of";
  `place` follows "in".
* works: `title` is quoted or used bare; `kind` takes "the" (the novel); `maker` follows "by"; `year` is that of
  publication, first performance or completion.
* cities: `country` (or territory) follows "in"; `feature` is a noun phrase with "its" or "the", follows "because of".
* countries: with its article where English wants one; `region` follows "in"; `demonym` is an adjective.
* waters, landforms: with article where English wants one; `kind` is a bare noun (river); `region` follows "in".
* goods: a mass noun or a plural in lower case unless a proper name, follows "the trade in"; `kind` is a plural or a
  mass noun.
* living_things: a plural; `kind` is a plural (birds); `habitat` follows "in".
* geographic_topics: a singular noun phrase, follows "about" and "how does … affect".
* social_groups: a plural, follows "the lives of".
* changes: `clause` follows "What if" and "Suppose": past subjunctive, no capital but a name's, no full stop.
* life_areas: a noun phrase, follows "what would change in".
* tech_systems: a noun phrase with an indefinite article. tech_symptoms: a noun phrase that follows "we see" and makes
  sense for every system of the same `domain` (network, storage, compute, database, web, build, ml).
* tech_concepts: a noun phrase, follows "explain". tech_tasks: `task` is an infinitive without "to". Both have a
  `domain` of the same seven.
* tech_contrasts: `first` and `second` are often confused or weighed against each other and follow "the difference
  between", in either order; `domain` as above.
* languages: a name without a version; `kind` is language or tool.
* roles: a person with an indefinite article, follows "for". occasions: a noun phrase that follows "for".
* first_names: a given name, of any gender.
* everyday_items: `name_plural` can be counted; a plausible price of one lies between `low_usd` and `high_usd`.
* math_topics: a noun phrase, follows "explain".
"""
