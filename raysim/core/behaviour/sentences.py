"""The sentences that context in prompts is made of, by topic; `passages` fills their slots and puts them together.

Source: written for this project. They state nothing about real people, firms or events: places in slots are real, what
is said of them is invented and kept plain. A sentence stands by itself, so that any order of them reads as notes do.
"""
# ruff: noqa: E501 - sentences read better unbroken

from __future__ import annotations

#: what stands in each slot; every pairing has to read well
SLOTS: dict[str, tuple[str, ...]] = {
    "number": tuple(str(n) for n in range(12, 990, 7)),
    "few": ("three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"),
    "percent": tuple(f"{n} per cent" for n in range(3, 88)),
    "year": tuple(str(n) for n in range(1802, 1998)),
    "month": (
        "January", "February", "March", "April", "May", "June",
        "July", "August", "September", "October", "November", "December",
    ),
    "day": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday"),
    "team": (
        "the platform team", "the finance department", "the support desk", "the network team", "the planning office",
        "the purchasing department", "the data team", "the works council", "the field office", "the library",
        "the security team", "the training unit", "the archive", "the release team", "the facilities office",
    ),
    "place": (
        "Porto", "Bergen", "Arequipa", "Mombasa", "Dunedin", "Valparaíso", "Fez", "Akureyri", "Pokhara", "Tartu",
        "Kumasi", "Salalah", "Sucre", "Aberdeen", "Kandy", "Maribor", "Maun", "Kutaisi", "Irbid", "Pakse",
        "Toliara", "Swakopmund", "Encarnación", "Iași", "Sousse", "Gulu", "Limassol", "Aarhus", "Cuenca", "Turku",
    ),
    "system": (
        "the billing service", "the message queue", "the search index", "the login service", "the report generator",
        "the cache layer", "the main database", "the file store", "the public gateway", "the job scheduler",
        "the metrics collector", "the mail relay", "the staging cluster", "the backup server",
    ),
    "good": (
        "grain", "timber", "wool", "salt", "copper", "cloth", "paper", "tea", "leather", "glass", "hides", "oil", "fish",
    ),
    "direction": ("north", "south", "east", "west", "north-east", "south-west"),
    "duration": (
        "three days", "a week", "ten days", "two weeks", "three weeks", "a month", "six weeks", "two months",
    ),
    "moment": (
        "ten minutes", "twenty minutes", "half an hour", "forty minutes", "an hour", "two hours", "half a day",
    ),
}  # fmt: skip

#: topic → what its documents are called
TITLES: dict[str, tuple[str, ...]] = {
    "historical": (
        "notes from the town chronicle", "extract from a regional history", "summary of the trade registers",
        "reading notes on the harbour records", "introduction to the exhibition",
    ),
    "mathematical": (
        "notes on the measurements", "appendix on method", "summary of the survey's figures",
        "worksheet for the evaluation", "remarks on the sample",
    ),
    "geographical": (
        "survey of the region", "field notes from the valley", "draft of the district atlas",
        "report on land and water", "travel notes for the mapping group",
    ),
    "hypothetical": (
        "planning paper", "working paper on possible futures", "notes from the scenario workshop",
        "memorandum on preparedness", "draft of the contingency plan",
    ),
    "technical": (
        "operations notes", "incident report", "design notes", "runbook extract", "review of the last release",
    ),
    "office": (
        "minutes of the meeting", "memorandum", "weekly report", "handover notes", "project summary",
    ),
}  # fmt: skip

SENTENCES: dict[str, str] = {
    "historical": """
The settlement at {place} is first named in a register of {year}, in a list of dues paid in {good}.
Until {year} the market was held on the open ground by the river, and afterwards inside the walls.
The guild of the {good} merchants kept its own scales and fined anyone who used another.
A fire in {month} {year} destroyed {number} houses, of which most were rebuilt in stone.
The council's accounts list {number} households, but leave out servants and lodgers.
Ships from {place} brought {good} in spring and went home with {good} before the first storms.
The old bridge was closed for {duration} in {year}, and trade moved to the ferry.
Letters between the two councils show that neither side expected the quarrel to last.
In {year} the toll was raised by {percent}, which the carriers answered with a strike.
The school had {number} pupils in its best year and {few} in its worst.
Contemporaries blamed the harvest; the registers suggest that the price of {good} mattered more.
The treaty of {year} named the border streams, but not the pastures between them.
A visitor in {year} praised the paved streets and complained about the beds.
The mill stood to the {direction} of the gate and ground for {few} villages.
After the railway came in {year}, the coach inns closed one after another.
The first newspaper appeared on a {day} in {month} and sold {number} copies.
Records of the hospital begin in {year}; earlier ones were lost in the move.
The harbour silted up within a generation, and merchants turned to {place}.
Of the {number} names on the petition, about {percent} were signed with a mark.
The mint worked for {few} years and was closed without a reason being given.
Workers were paid partly in {good}, a custom that the law of {year} forbade.
The census of {year} counted {number} people in the parish and {few} mills.
A second church was planned, but the money went into the dyke instead.
The university opened with {few} professors and a borrowed library.
Caravans to {place} took {duration} in good weather and twice as long in bad.
The archive holds {number} contracts, most of them about land and dowries.
The rising of {year} began with a dispute over the price of {good}.
No one was punished for the flood, although the sluice had been reported broken in {month}.
The town bought its freedom in {year} and paid for it until the next century.
Historians disagree whether the plague came by sea or along the road from {place}.
The new quarter to the {direction} was laid out on a grid of {few} streets.
A chronicler noted the frost of {year}, when carts crossed the river for {duration}.
The governor's reports grow shorter each year and stop in {year}.
Exports of {good} rose by {percent} in the decade after the canal was opened.
The clock in the tower was bought second-hand from {place}.
The rules of the guild required every member to keep a lantern and {few} buckets.
Widows could continue a workshop for {duration}, and many did so for longer.
The last wolf was reported to the {direction} of the forest in {year}.
A map of {year} shows the road that the later maps leave out.
The theatre burned down twice and was insured once.
Prices were posted at the gate every {day}, and copies of the lists survive.
The garrison numbered {number} men on paper and rather fewer at roll-call.
Printing reached the region through a workshop that had failed in {place}.
The assembly met in {month}, because the roads were dry and the harvest not yet begun.
What later authors call a revolt seems to have been {few} separate disputes.
The tax on {good} was doubled in {year} and quietly dropped {few} years later.
Most of what is known of daily life comes from {number} inventories of estates.
The council hired a physician in {year} and dismissed him in the same year.
""",
    "mathematical": """
The sample has {number} observations, of which {few} were set aside before the evaluation.
The mean of the first series is {number}, and its median is somewhat lower.
Each reading was taken {few} times, and the middle value was kept.
About two thirds of the {number} values lie within one standard deviation of the mean.
The ratio of the two sides stays the same when both are scaled by {few}.
If the rate were constant, the total would double after {duration}.
The error grows with the square of the distance, so that {few} steps are enough.
The two series are correlated, but one of them was smoothed beforehand.
A table of {number} rows was checked by hand, and {few} mistakes were found.
The sum of the first {number} terms can be written down without adding them.
Rounding to whole numbers changes the result by less than {percent}.
The control group had {number} members at the start and lost {percent} of them.
We divided the range into {few} classes of equal width.
The largest value was measured on a {day} and could not be repeated.
An estimate from {number} cases has an uncertainty of about {percent}.
The curve is steep at first and almost flat after {duration}.
Doubling the size of the sample narrows the interval by about {percent}.
The remainder is always smaller than the divisor, which settles the first case.
The weights add up to one, except in the {few} tables of the appendix.
Prices were compared in {few} towns, and the cheapest basket was in {place}.
The probability that none of {number} parts fails is smaller than it seems.
Of two equal investments the one with monthly interest is ahead after {duration}.
Distances were measured along the road and not as the crow flies.
The angle was determined from {few} points, of which two were hard to see.
A straight line fits the data from {month} on, but not the months before.
The tank loses {number} litres a day and gains a little less.
The proof uses nothing beyond the theorem on similar triangles.
The number of combinations grows so fast that a list of them is of no use.
The unit was changed in {year}, and older figures were converted.
The probability of at least one success is easier to find by its complement.
Two thirds of the differences are positive, which a coin would do once in {number} trials.
The model has {few} parameters, one more than the data can settle.
An average speed is not the average of two speeds.
In the second round the variance fell by {percent}, with the mean unchanged.
The scale is logarithmic, so that equal steps are equal factors.
The count includes repeated visits; without them it would be {percent} lower.
The series converges, although its first {number} terms give no sign of it.
Every seventh value was stored, and the others were summed.
The two methods agree to {few} decimals where both can be used.
A sequence of {number} zeros was traced to a disconnected cable.
The area under the curve was found by adding {number} narrow strips.
The geometric mean is the right one here, because growth multiplies.
Missing values were left out and not replaced by the mean.
The slope has the dimension of a speed, which is a useful check.
The forecast for {month} was too high by {percent}.
The queue is stable as long as less arrives than can be served.
With {few} players the game has a fair price, with more it has not.
The result is exact for whole numbers and a good estimate for others.
""",
    "geographical": """
The valley runs to the {direction} and is about {number} kilometres long.
The district around {place} has {number} wells, of which {percent} carry water all year.
Rain falls mostly between {month} and the end of winter.
The road over the pass is closed for {duration} in most years.
Soils are deep along the river and thin on the terraces above it.
The port of {place} handles {number} ships a month, most of them small.
Villages stand on the slopes, out of reach of the spring floods.
The lake is fed by {few} streams and drained by one.
About {percent} of the land is forest, chiefly pine and birch.
The nearest railway station lies {number} kilometres to the {direction}.
Fishing employs fewer people than the cannery does.
Winds from the {direction} bring dust in {month}.
The border follows the watershed, except for {few} kilometres near the bridge.
The population has grown by {percent} since the dam was built.
Terraces that were given up in {year} are overgrown and hard to find.
The coast is sinking slowly, and the marsh moves inland.
Ferries to the islands leave on {day} when the weather allows.
The plateau lies {number} metres above the plain and is colder in every month.
Salt pans along the shore yield {number} tonnes in a dry year.
The survey of {year} placed the summit {few} metres too high.
The river changes its bed after each flood, and with it the parish boundary.
Grazing is shared by {few} villages under rules older than the maps.
The town of {place} draws its water from a spring {number} kilometres away.
Most of the young people work on the coast for part of the year.
The bay is sheltered from the {direction} and freezes only in hard winters.
Two languages are spoken in the market, and a third in the harbour.
The mine closed in {year}; its railway carries visitors in summer.
The ground shakes slightly every few years, and builders take it into account.
Wheat grows up to {number} metres, and barley somewhat higher.
The delta has {few} arms, of which two are dredged.
The capital's suburbs have reached the first ridge of the hills.
A causeway joins the island to the mainland at low tide.
Maps of the interior were drawn from the accounts of {few} travellers.
The steppe begins where the annual rain falls below {number} millimetres.
Electricity comes from a plant on the upper river, built in {year}.
The climate on the {direction} side of the range is noticeably milder.
The harbour wall was lengthened after the storms of {month}.
Many street names in {place} recall trades that are no longer there.
Cattle are driven to the summer pastures in {month} and stay for {duration}.
The national park covers {percent} of the district.
The river is navigable for {number} kilometres from its mouth.
Land is held in narrow strips that run from the road to the water.
The glacier has drawn back {number} metres since it was first measured.
New housing is allowed on {few} of the hills and on none of the others.
The airport lies in the fog for {duration} each winter.
Tea replaced coffee after the blight of {year}.
The market town serves about {number} farms in the hills.
Three springs on the {direction} slope have never been known to fail.
""",
    "hypothetical": """
We assume that deliveries stop for {duration} and that stocks are at {percent}.
The first effect would be felt in transport, and the second in prices.
If the bridge were closed, traffic would have to go by way of {place}.
The working group counted {few} ways in which the plan could fail.
A shortage of {good} would be noticed within {duration}.
Staff could be moved between sites if contracts were changed by {month}.
The group does not predict anything; it asks what would follow from what.
Under the second assumption costs rise by {percent} and revenue does not.
Hospitals would switch to their own supply and could go on for {duration}.
Schools would close first, because that costs least and shows most.
The paper leaves out effects abroad, which may be larger than those at home.
If everyone waited for the others, nothing would happen before {month}.
A reserve of {number} tonnes would bridge the gap at {percent} of normal use.
The insurers would pay for buildings, but not for the loss of trade.
Half of the measures could be prepared now without any cost.
The public would accept limits for {duration}, if the reasons were explained.
Small firms would be hit earlier and recover sooner.
A single supplier in {place} makes a part that all {few} plants need.
The group asked {team} to describe a day without its main tools.
With {number} more workers the delay could be halved.
The rule would have to apply to everyone, or it would apply to no one.
Cash would come back into use within days, as far as it is still printed.
The model says little about habits, which change slowly and then all at once.
In the mildest case nothing is lost but {duration}.
The harbour could take over {percent} of the freight, not more.
New houses would be built smaller and closer to the stations.
A change of this size took {few} decades the last time.
Whoever depends on refrigeration would have to decide within {duration}.
If the price fell by {percent}, most of the mines would close.
The law allows emergency measures, but does not say who ends them.
The workshop split into {few} groups, which came to different results.
The effect on wages is open: both directions can be argued.
Rural districts would be better prepared than the cities.
Some damage could be repaired at once, and some only after {month}.
It would help to know in advance whom to call on a {day} night.
The old network could be used again, if {number} switches were replaced.
A trial in {place} was broken off after {duration}.
The cheapest measure is a list of telephone numbers on paper.
Experience from the flood of {year} can be used, with care.
The scenario ends when the first ship arrives.
Demand would shift to {good} and to anything that can be repaired.
Most of the participants thought that the second winter would be the hard one.
The paper assumes that the rules are known and mostly kept.
Insurance, pensions and rents would have to be written anew.
The question is less what would be lost than what would replace it.
One group proposed to do nothing for {duration} and to watch.
The plan names {few} people who may stop it.
Volunteers would come in numbers, and would need someone to tell them what to do.
""",
    "technical": """
The alert fired on {day} at a load of {number} requests a second.
After the restart {system} took {moment} to catch up.
Memory use of {system} grew by {percent} a day until the limit was reached.
The change was rolled back, and the error rate fell to its usual level.
Two of the {few} replicas answered health checks without serving requests.
Timeouts between {system} and {system} are set to the same value, which hides the cause.
The disk filled up because logs of the old version were never rotated.
Retries without a pause multiplied the load by {few}.
The certificate had been renewed, but {system} kept the old one in memory.
A slow query scanned {number} rows for each request.
The dashboards show averages, so that the slowest {percent} could not be seen.
The incident lasted {moment} and was noticed by {team}.
A configuration value was given in seconds and read in milliseconds.
The release of {month} changed the default size of the pool to {number}.
Connections were closed by a proxy after {moment} without traffic.
Clock drift of {few} seconds made new tokens look expired.
The failover worked, but nobody had tested the way back.
The queue held {number} messages at its peak and drained within {moment}.
The test environment has {few} nodes, and production has many more.
A feature flag was left on for {percent} of the users.
The index was rebuilt on a {day} night, when {system} is idle.
Snapshots of {system} are made every night and restored far less often.
The rate limit counts requests, although their sizes differ by a factor of {number}.
One tenant caused {percent} of the traffic and was unaware of it.
The deployment script waits for {few} pods and ignores the rest.
The library was updated because of a security notice and became slower by {percent}.
DNS answers were cached for longer than the address stayed valid.
A deadlock needs two transactions that take the same locks in different order.
The load balancer sent new connections to the node that had failed first.
Garbage collection paused {system} for longer than the health check allows.
The fix is small; finding it took {moment}.
Logs of {system} carry no request id, so that they cannot be joined with the traces.
The batch job runs at the hour when {system} is busiest.
A cache with a hit rate of {percent} hid the slowness of the store behind it.
The migration copied {number} tables and left the sequences behind.
The team agreed to alert on symptoms and to chart the causes.
The service answers in time for small requests and fails for large ones.
Rolling out to {percent} of the nodes first would have shown the problem.
The runbook names a script that was removed in {month}.
All {few} zones depended on one address in {place}.
Capacity was planned for the mean, and the peak is {few} times higher.
The new nodes have faster disks and an older kernel.
A missing index was added while {system} was serving, without a pause.
The cost of {system} rose by {percent} after the change of instance type.
The parser accepted dates in two formats and confused them on {few} days a month.
The consumer acknowledged messages before it had stored them.
After {moment} without errors the incident was closed.
The review listed {few} actions, each with a name and a date.
""",
    "office": """
The meeting began on {day} at nine and was attended by {few} people.
The minutes of the last meeting were accepted with one correction.
It was agreed to move the deadline by {duration}.
The budget for {month} was exceeded by {percent}, chiefly for travel.
The report is due in {month} and will be sent to {team}.
Questions about the contract should go to {team}.
The office in {place} will be closed for {duration}.
Two applications were received, and one was withdrawn.
The supplier offers a discount of {percent} on orders of more than {number} pieces.
The numbers for {month} are preliminary and will be revised.
The new form replaces the {few} old ones.
Visitors should be registered a day before they come.
The survey was answered by {number} colleagues, which is {percent} of those asked.
The pilot in {place} runs until the end of {month}.
The draft was read by {team} and came back with {few} remarks.
Rooms can be booked for up to {duration}.
The training on {day} is full; another one is planned for {month}.
The audit found {few} points, none of them serious.
Deliveries arrive on {day} and are checked by {team}.
The old printers will be collected in {month}.
A decision was put off until the figures from {place} are known.
The project has used {percent} of its budget and of its time slightly more.
The list of open points has {number} entries, the oldest from {month}.
The agreement with the landlord ends in {month}.
Holiday requests should reach {team} before {month}.
The customer in {place} asked for an offer within {duration}.
The archive keeps invoices for {few} years.
The working hours of the support desk will be extended by {moment}.
Costs for energy fell by {percent}, because the winter was mild.
The next meeting is on {day}, in the small room.
Responsibility passes to {team} at the end of {month}.
The complaint of {month} was settled within {duration}.
The translation is complete, apart from the captions.
Copies of the contract are with {team} and in the archive.
The order of {number} chairs was cancelled and placed anew.
The questionnaire will be shortened to {few} questions.
Travel to {place} needs the approval of {team}.
The trial period ends after {duration}, unless it is extended.
The canteen asks for the number of guests by {day}.
The summary leaves out what was said in confidence.
It was noted that {number} badges had not been returned.
The proposal was welcomed, and its costs were questioned.
The handover took {duration} and was completed without open points.
Several colleagues asked for clearer rules on remote work.
The insurance covers the equipment, but not the data on it.
The figures were compared with those of the year before and found plausible.
The letter to the city was sent in {month} and has not been answered.
The team thanked the colleagues from {place} for their help.
""",
}
