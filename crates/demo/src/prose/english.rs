//! English vocabulary of the prose: lemmas, most frequent first; `prose` inflects them.

/// Nouns, singular.
pub(super) const NOUNS: &str = "
team campaign meeting budget list note draft version document report plan schedule question answer request
proposal decision week month year hour day evening room address city town region district office branch
poster leaflet photo video interview show channel station article story headline column letter invitation
registration confirmation reminder approval signature review correction translation invoice order delivery
expense donation grant fee deposit refund guarantee insurance bank account treasurer authority statement
certificate receipt copy annex page line row cell key database record backup printer network mailbox
platform application interface strategy message speech rally debate audience supporter volunteer voter
citizen candidate party movement coalition majority opposition minority victory defeat turnout trend curve
average estimate projection map wave opinion expectation concern anger trust pride freedom equality
nation republic democracy youth pension health school university research training culture language
history memory industry factory company start-up export competition growth debt tax saving farm harvest
forest river sea mountain energy grid plant turbine pollution transition transport station motorway road
car line shuttle square street avenue hall stage light camera recording broadcast layout guideline colour
font quantity pallet label envelope card banner scarf outfit arrival exit entrance break opening
introduction conclusion summary analysis sheet matrix roadmap step task priority deadline mission
responsibility function hierarchy hire application service agreement clause penalty termination
negotiation mediation visit tour partner supplier contractor client journalist newspaper magazine editor
reporter producer photographer designer developer lawyer accountant auditor printer driver guard officer
minister president director secretary delegate councillor mayor deputy assistant intern student teacher
doctor nurse hospital medicine worker farmer engineer scientist artist musician writer author reader
project contract table text mail trip flight train ticket vehicle van truck taxi hotel meal caterer
breakfast lunch dinner equipment laptop phone screen microphone projector cable server software system
password access code badge directory spreadsheet template example case topic theme issue problem risk need
goal choice view deal principle right duty rule decree amendment vote ballot round count mandate
endorsement rival union council workshop seminar congress forum applause silence noise climate soil
house job salary trade sector market shop craft entrepreneur manager child parent neighbour family friend
club stadium museum theatre book film concert festival heritage algorithm bandwidth fibre tower tram bus
bicycle bridge tunnel canal port airport coast dam waste carbon gas oil promise progress change renewal
hope courage respect effort gesture sign look handout folder poll survey figure percentage amount quote
payment transfer cheque loan credit cost price rate threshold ceiling balance quarter delay appointment
feed tweet post comment thread link click visitor profile banner slogan logo press briefing leak rumour
controversy criticism accusation inquiry complaint procedure hearing court law standard directive measure
reform policy election presidency prefecture assembly committee chair quorum minute motion caucus
";

/// Adjectives.
pub(super) const ADJECTIVES: &str = "
new good last first next important political public local national regional municipal european
international social economic fiscal financial legal electoral presidential official provisional final
urgent necessary useful possible likely certain clear precise exact complete partial short long wide narrow
high low strong weak quick slow simple complex difficult easy heavy light old recent current future annual
monthly weekly daily common collective individual personal private internal external confidential
sensitive technical digital electronic graphic visual civic democratic progressive ambitious brave serious
happy numerous costly dangerous generous precious rigorous careful positive negative active massive
decisive excessive exclusive alternative administrative educational athletic cultural artistic historic
scientific medical scholarly professional industrial commercial agricultural rural urban maritime coastal
green sustainable renewable thermal nuclear solar hydraulic free available unavailable favourable hostile
neutral prudent discreet visible credible coherent relevant obvious sufficient insufficient excellent
satisfying disappointing worrying reassuring surprising interesting convincing attached detailed corrected
signed approved printed numbered dated translated expected planned unforeseen postponed cancelled confirmed
tentative early late joint spare missing broken reliable modest bold quiet loud empty full
";

/// Regular verbs, base form.
pub(super) const VERBS: &str = "
need want ask answer call check confirm approve prepare present share change correct add remove complete
verify sign print order deliver pay settle finance estimate calculate count note remind contact invite
welcome help support encourage motivate mobilise gather coordinate host direct manage handle process
analyse study examine evaluate compare discuss debate negotiate accept refuse reject adopt vote amend
draft publish release announce declare affirm explain clarify detail summarise highlight report warn
denounce criticise contest deny justify defend protect secure watch observe notice regret hope wish prefer
look search rent reserve occupy install move transport collect keep archive file copy paste download save
restore configure test develop create imagine invent design illustrate photograph film record shorten
extend advance postpone cancel shift fix stop start launch continue finish close open transform improve
strengthen consolidate simplify accelerate slow increase reduce lower double limit cap authorise impose
require respect apply adapt translate interpret mention quote name appoint replace train recruit hire
integrate leave abandon join represent embody carry show hide reveal unveil arrive stay pass return work
talk think march travel phone wait schedule circulate escalate reconcile audit reimburse subscribe
";

/// Irregular verbs: base, third person, past, participle.
pub(super) const VERBS_IRREGULAR: &str = "
have|has|had|had make|makes|made|made take|takes|took|taken give|gives|gave|given send|sends|sent|sent
see|sees|saw|seen find|finds|found|found get|gets|got|got write|writes|wrote|written read|reads|read|read
keep|keeps|kept|kept hold|holds|held|held bring|brings|brought|brought meet|meets|met|met
choose|chooses|chose|chosen build|builds|built|built buy|buys|bought|bought lose|loses|lost|lost
win|wins|won|won spend|spends|spent|spent understand|understands|understood|understood
forget|forgets|forgot|forgotten drive|drives|drove|driven speak|speaks|spoke|spoken draw|draws|drew|drawn
";

/// Adverbs (`_` stands for a space).
pub(super) const ADVERBS: &str = "
tomorrow soon quickly already again always often sometimes rarely never then finally really simply directly
clearly precisely exactly almost together elsewhere here there everywhere yesterday today right_away
as_soon_as_possible by_the_end_of_the_day in_principle in_practice otherwise perhaps certainly probably
obviously naturally gladly widely strongly slightly gradually regularly carefully quietly publicly
officially collectively individually locally on_site remotely by_phone by_post internally externally
once_more this_week next_week next_month last_year tonight this_morning step_by_step without_delay
";

/// Prepositions (`_` stands for a space).
pub(super) const PREPOSITIONS: &str = "
for with on in by without under about after before behind between against despite concerning towards
since during among besides via over through instead_of because_of on_behalf_of ahead_of next_to
";

/// Words that open a sentence (`_` stands for a space).
pub(super) const CONNECTORS: &str = "
Moreover, Indeed, However, Still, Therefore, Besides, At_this_stage, For_the_record, As_agreed, For_now,
Unless_I_am_mistaken, For_your_information, In_short, On_the_ground, On_the_press_side, Conversely,
As_a_result, In_the_meantime, From_what_I_hear, From_memory, By_the_way,
";

/// Sentences; the slots are those of the French ones.
pub(super) const SENTENCES: &[&str] = &[
    "{S} {V} {O} {Q}.",
    "{S} {V} {O} {D}.",
    "{C} {s} {V} {O}.",
    "{C} {s} {F} {O} {Q}.",
    "{S} {P} {O} {Q}.",
    "{S} {P} {O} on {X}.",
    "We have to {I} {O} before {X}.",
    "We must {I} {O} and {I} {O} {D}.",
    "Can you {I} {O} {Q}?",
    "Could you please {I} {O} by {X}?",
    "Please {I} {O} {D}.",
    "I suggest that we {I} {O} {Q}, then {I} {O}.",
    "I can confirm that {s} {F} {O} in {T} on {X} at {H}.",
    "According to {N}, {s} {P} {O} {D}.",
    "{N} tells me that {s} {V} {O} {Q}.",
    "The total comes to {M}, that is {K} more than planned.",
    "The quote from {G} is {M}; {s} {F} {O}.",
    "See reference {R} and {O} {Q}.",
    "Everything is online here: {U}",
    "From {T} it takes an hour, so {s} {F} {O}.",
    "We expect some {K} people in {T}; {s} {V} {O}.",
    "If {s} {V} {O}, then {s} {F} {O} {Q}.",
    "Although time is short, {s} {F} {O}.",
    "I'll come back to you {D} with {O}.",
    "{S} and {s} {P} {O}, which changes {O}.",
    "{C} I think that {s} {F} {O} {D}, {Q}.",
    "The call with {N} and {G} is set for {X}, {H}.",
    "Careful: {s} {V} {O} {D}!",
    "Did you see {O} {Q}?",
    "{N} asks whether {s} {P} {O}.",
    "No news from {G} {Q}, {s} {F} {O}.",
    "For {T}, count {M} and {K} copies.",
    "As {N} put it, \"{s} {V} {O} {Q}\".",
    "I met {N} {D}: {s} {P} {O}, {s} {F} {O}.",
];

/// Greetings; `{N}` is the addressee's first name.
pub(super) const GREETINGS: &[&str] =
    &["Hi {N},", "Hello {N},", "Dear {N},", "Hi all,", "{N},", "Good morning,", "Dear team,"];

/// Closings.
pub(super) const CLOSINGS: &[&str] = &[
    "Best,",
    "Kind regards,",
    "Best regards,",
    "Thanks,",
    "Cheers,",
    "All the best,",
    "Many thanks in advance,",
];

/// Subjects; slots as in `SENTENCES`, `{n}` is a bare noun.
pub(super) const SUBJECTS: &[&str] = &[
    "{n} {T}",
    "Reminder: {n}",
    "{n} and {n}",
    "{n} update, {X}",
    "{n} meeting",
    "Quote from {G}",
    "{n} - version {K}",
    "Minutes: {n} ({T})",
    "Question about {o}",
    "Urgent: {n}",
    "{n} {R}",
    "Trip to {T}",
    "Interview with {N}",
    "Invitation: {n} in {T}, {X}",
    "{n} budget: {M}",
    "Please review: {n}",
    "{o}",
    "{n} schedule",
    "Invoice {R}",
];

/// Roles under a signature.
pub(super) const ROLES: &[&str] = &[
    "Press office",
    "International desk",
    "Volunteer coordination",
    "Digital team",
    "Legal affairs",
    "Editor",
    "Account manager",
    "Correspondent",
    "Events and logistics",
];
