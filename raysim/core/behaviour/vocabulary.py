"""The words that questions are made of, chosen so that every pairing reads well."""
# ruff: noqa: E501 - word lists read better unbroken

from __future__ import annotations

EVENTS = tuple(
    """the fall of Constantinople|the French Revolution|the Congress of Vienna|the Black Death|the Meiji Restoration
the Industrial Revolution|the Russian Revolution|the Great Depression|the Marshall Plan|the Cuban Missile Crisis
the partition of India|the fall of the Berlin Wall|the Treaty of Westphalia|the Boxer Rebellion|the Haitian Revolution
the Suez Crisis|the Peace of Augsburg|the Thirty Years' War|the Opium Wars|the Spanish Armada|the Norman Conquest
the Mongol conquests|the Crimean War|the unification of Germany|the unification of Italy|the Glorious Revolution
the American Civil War|the Louisiana Purchase|the Velvet Revolution|the Oslo Accords|the Bretton Woods conference
the Great Fire of London|the Lisbon earthquake of 1755|the Reformation|the Council of Trent|the Battle of Lepanto
the Taiping Rebellion|the Zulu War|the Paris Commune|the Weimar hyperinflation""".replace("\n", "|").split("|")
)
GROUPS = tuple(
    """merchants|farmers|soldiers|clergy|women in cities|craftsmen|bankers|sailors|scholars|printers|diplomats|refugees
landowners|factory workers|students|physicians|tax collectors|engineers|shopkeepers|journalists""".replace(
        "\n", "|"
    ).split("|")
)
PLACES = tuple(
    """Portugal|Peru|Vietnam|Norway|Kenya|New Zealand|Mongolia|Chile|Morocco|Iceland|Nepal|Uruguay|Estonia|Ghana|Oman
Bolivia|Scotland|Sri Lanka|Slovenia|Botswana|Costa Rica|Georgia|Jordan|Laos|Madagascar|Namibia|Paraguay|Romania
Senegal|Tunisia|Uganda|Cyprus|Denmark|Ecuador|Finland|Guatemala|Hungary|Ireland|Jamaica|Latvia|Malta|Panama|Qatar
Rwanda|Slovakia|Tanzania|Ukraine|Zambia|Armenia|Belgium|Croatia|Bhutan|Fiji|Greece|Cuba|Albania""".replace(
        "\n", "|"
    ).split("|")
)
TRAITS = tuple(
    """its water supply|its rail network|its coastline|its climate|its largest river|its mountain passes|its farming
its fishing industry|its energy mix|its borders|its main ports|its forests|its population density|its migration patterns
its tourism|its mineral resources|its language regions|its capital's growth|its soil|its exposure to floods""".replace(
        "\n", "|"
    ).split("|")
)
CHANGES = tuple(
    """antibiotics stopped working|the internet were down for a week|sleep became optional|money expired after a year
every car drove itself|coffee no longer grew|people lived to 150|all borders were open|the printing press had never been invented
rain fell only at night|batteries held ten times the charge|oil ran out tomorrow|everyone spoke one language
the Moon were twice as close|school started at noon|meat could only be grown in laboratories|work were paid by the task alone
cash disappeared|every house produced its own power|the week had five days|satellites stopped working
translation were perfect and instant|plants could move|ice floated no longer|maps were forbidden""".replace(
        "\n", "|"
    ).split("|")
)
FIELDS = tuple(
    """hospitals|insurance companies|small towns|airlines|universities|courts of law|newspapers|farmers|the housing market
professional sport|banks|public transport|the film industry|supermarkets|the armed forces|restaurants|parents of young children
electricity grids|shipping companies|museums|software firms|old people|fishing villages|police forces|charities""".replace(
        "\n", "|"
    ).split("|")
)
SYSTEMS = tuple(
    """a PostgreSQL database|a Kafka cluster|a Kubernetes ingress|a Redis cache|a Python web service|a Go batch job
a message queue|a REST API behind a CDN|a Prometheus server|a CI pipeline|a vector database|a gRPC service|a service mesh
a DNS resolver|an object store|a feature store|a payment service|a login service|a search index|a stream processor
a time-series database|a mobile app's back end|a GPU inference server|a container registry|a load balancer""".replace(
        "\n", "|"
    ).split("|")
)
SYMPTOMS = tuple(
    """slow requests at the 99th percentile|memory that grows without bound|connections that time out|duplicate messages
stale reads|deadlocks under load|uneven load between nodes|certificate errors after a renewal|a retry storm|clock drift
failed health checks during deployment|a thundering herd after a restart|disk usage that doubles overnight
dropped packets at peak hours|a queue that never drains|slow start-up|occasional data loss|high CPU use while idle
cache misses after each release|a growing backlog of retries""".replace("\n", "|").split("|")
)
CONSTRAINTS = tuple(
    """without downtime|with a team of two|on a small budget|before the next release|without access to production
in a regulated industry|when logs are incomplete|across three regions|with strict privacy rules|on ageing hardware
while traffic doubles each month|with no change to the clients|under an audit|during the holiday peak|in a single afternoon
with automated tests only""".replace("\n", "|").split("|")
)
