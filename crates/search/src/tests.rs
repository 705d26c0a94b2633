//! The index from end to end: what is written is found, in the same order however it was committed.

use std::{fs, path::Path, sync::Arc};

use tamis_model::{Blob, ItemId, SourceId, State, findings::MessageState};
use tempfile::TempDir;

use crate::{
    Content, Copied, Error, Hit, Index, Options, Place, Query, Searcher, Sort, States,
    terms::{self, Lines, TermError},
};

/// One item of the test corpus.
#[derive(Clone)]
struct Item {
    walk: u64,
    batch: u64,
    path: &'static str,
    name: &'static str,
    kind: &'static str,
    state: State,
    date: Option<i64>,
    from: (&'static str, &'static str),
    to: Vec<String>,
    cc: Vec<String>,
    bcc: Vec<String>,
    subject: &'static str,
    lang: &'static str,
    texts: Vec<&'static str>,
    blob: Option<Blob>,
}

const DAY: i64 = 86_400_000_000;
/// 2017-04-24 00:00 UTC.
const APRIL_24: i64 = 17_280 * DAY;

fn item(walk: u64, name: &'static str, text: &'static str) -> Item {
    Item {
        walk,
        batch: 1,
        path: name,
        name,
        kind: "text",
        state: State::Parsed,
        date: None,
        from: ("", ""),
        to: vec![],
        cc: vec![],
        bcc: vec![],
        subject: "",
        lang: "en",
        texts: vec![text],
        blob: Some(Blob::of(text.as_bytes())),
    }
}

fn corpus() -> Vec<Item> {
    let mail = |walk, date, from, subject, text| Item {
        kind: "mail",
        date: Some(date),
        from,
        subject,
        ..item(walk, "", text)
    };
    vec![
        Item {
            path: "mbox/a.mbox#0",
            to: vec!["press@en-marche.example".into(), "Bob B. <bob@mail.example.org>".into()],
            lang: "fr",
            ..mail(
                1,
                APRIL_24,
                ("alice.martin@example.org", "Alice Martin"),
                "Réunion de campagne",
                "L\u{2019}élection approche. Où en est le budget ?",
            )
        },
        Item {
            path: "mbox/a.mbox#1",
            cc: vec!["legal@Example.COM".into()],
            bcc: vec!["hidden@secret.example".into()],
            ..mail(
                2,
                APRIL_24 + DAY - 1,
                ("bob@mail.example.org", "Bob"),
                "Re: Budget",
                "The budget of A/S Dansk & Marks &  Spencer, R*T AND sons.",
            )
        },
        mail(
            3,
            APRIL_24 + DAY,
            ("eve@evil.example.org.ru", "Eve"),
            "budget budget",
            "elections, the électeur",
        ),
        Item {
            path: "docs/facture.zip!Facture n°12.pdf",
            name: "Facture n°12.pdf",
            kind: "pdf",
            texts: vec!["première page", "IBAN FR76 3000-6000, tél. +33 1.42.68"],
            ..item(4, "", "x")
        },
        Item { state: State::Encrypted, kind: "archive", texts: vec![], ..item(5, "secret.zip", "y") },
        item(6, "cjk.txt", "東京都の予算"),
    ]
}

fn place(item: &Item) -> Place<'_> {
    Place {
        source_id: SourceId(1),
        item_id: id(item.walk),
        blob: item.blob,
        batch: item.batch,
        walk: item.walk,
        path: item.path,
        name: item.name,
        state: item.state,
        bytes: 1_000 - item.walk,
    }
}

fn id(walk: u64) -> ItemId {
    ItemId::top(&walk.to_le_bytes(), None)
}

fn add(index: &mut Index, item: &Item) {
    let optional = |text: &'static str| Some(text).filter(|text| !text.is_empty());
    let content = Content {
        kind: item.kind,
        media_type: if item.kind == "pdf" { "application/pdf" } else { "text/plain" },
        date: item.date,
        from_addr: optional(item.from.0),
        from_name: optional(item.from.1),
        to: &item.to,
        cc: &item.cc,
        bcc: &item.bcc,
        subject: optional(item.subject),
        lang: optional(item.lang),
        has_attachment: item.walk == 2,
        texts: &item.texts,
    };
    assert_eq!(index.add(&place(item), &content).unwrap(), 0);
}

fn open(dir: &Path) -> Index {
    Index::open_or_create(dir, 0, 1).unwrap()
}

fn indexed(items: &[Item]) -> (TempDir, Searcher) {
    let dir = TempDir::new().unwrap();
    let mut index = open(dir.path());
    for item in items {
        add(&mut index, item);
    }
    index.commit(1).unwrap();
    index.close().unwrap();
    let searcher = Searcher::open(dir.path()).unwrap();
    (dir, searcher)
}

fn ask(searcher: &Searcher, query: &str, options: &Options) -> Vec<Hit> {
    let query = Query::parse(query).unwrap_or_else(|error| panic!("{query}: {error}"));
    let hits = searcher.search(&query, options).unwrap();
    if options.limit > 100 && options.offset == 0 {
        assert_eq!(hits.total, hits.hits.len() as u64);
    }
    hits.hits
}

const IN_ORDER: Options =
    Options { limit: 1000, offset: 0, sort: Sort::Walk, fold: false, last_batch: u64::MAX };

fn walks(hits: &[Hit], items: &[Item]) -> Vec<u64> {
    let walk = |hit: &Hit| items.iter().find(|item| id(item.walk) == hit.item_id).map_or(0, |item| item.walk);
    hits.iter().map(walk).collect()
}

#[test]
fn each_form_of_query() {
    let items = corpus();
    let (_dir, searcher) = indexed(&items);
    for (query, expected) in [
        ("", vec![1, 2, 3, 4, 5, 6]),
        ("budget", vec![1, 2, 3]),
        ("BUDGET Élection", vec![1]),
        ("election", vec![1]),
        ("elections", vec![3]),
        ("élect*", vec![1, 3]),
        ("l'election", vec![1]),
        ("reunion", vec![1]),
        ("budget -campagne", vec![2, 3]),
        ("-budget", vec![4, 5, 6]),
        ("-budget -facture", vec![5, 6]),
        ("NOT (budget OR facture)", vec![5, 6]),
        ("campagne OR facture", vec![1, 4]),
        ("budget campagne OR spencer", vec![1, 2]),
        ("facture OR -budget", vec![4, 5, 6]),
        ("\"marks & spencer\"", vec![2]),
        ("\"marks spencer\"", vec![2]),
        ("\"spencer marks\"", vec![]),
        ("\"A/S\"", vec![2]),
        ("a/s", vec![2]),
        ("\"R*T\"", vec![2]),
        ("\"r*t AND sons\"", vec![2]),
        ("Marks & Spencer", vec![2]),
        ("\"premiere page iban\"", vec![]),
        ("\"premi\"*", vec![4]),
        ("\"iban fr76 30\"*", vec![4]),
        ("\"FR76 3000 6000\"", vec![4]),
        ("1.42.68", vec![4]),
        ("東京", vec![6]),
        ("\"京東\"", vec![]),
        ("from:alice", vec![1]),
        ("from:\"alice martin\"", vec![1]),
        ("from:alice.martin@example.org", vec![1]),
        ("from:martin@example.org", vec![1]),
        ("from:@mail.example.org", vec![2]),
        ("from:ali*", vec![1]),
        ("alice", vec![1]),
        ("to:bob", vec![1]),
        ("cc:bob", vec![]),
        ("bcc:hidden", vec![2]),
        ("domain:secret.example", vec![2]),
        ("cc:legal@example.com", vec![2]),
        ("domain:example.org", vec![1, 2]),
        ("domain:mail.example.org", vec![1, 2]),
        ("domain:EXAMPLE.com", vec![2]),
        ("domain:ru", vec![3]),
        ("domain:exam*", vec![1, 2, 3]),
        ("domain:mail.*", vec![1, 2]),
        ("subject:budget", vec![2, 3]),
        ("subject:\"re budget\"", vec![2]),
        ("name:facture", vec![4]),
        ("facture", vec![4]),
        ("path:docs", vec![4]),
        ("docs", vec![]),
        ("path:\"a.mbox#1\"", vec![2]),
        ("kind:mail", vec![1, 2, 3]),
        ("kind:application/pdf", vec![4]),
        ("kind:application/*", vec![4]),
        ("lang:fr", vec![1]),
        ("state:encrypted", vec![5]),
        ("-state:parsed", vec![5]),
        ("has:attachment", vec![2]),
        ("on:2017-04-24", vec![1, 2]),
        ("on:2017", vec![1, 2, 3]),
        ("before:2017-04-24", vec![]),
        ("before:2017-04-25", vec![1, 2]),
        ("after:2017-04-24", vec![3]),
        ("after:2017-04-23", vec![1, 2, 3]),
        ("after:2017", vec![]),
        ("-on:2017", vec![4, 5, 6]),
        ("kind:mail -from:alice before:2018 budget", vec![2, 3]),
        ("(kind:mail from:alice) OR (kind:pdf name:facture)", vec![1, 4]),
        ("zzz", vec![]),
        ("zzz*", vec![]),
        ("\"budget zzz\"*", vec![]),
    ] {
        assert_eq!(walks(&ask(&searcher, query, &IN_ORDER), &items), expected, "{query}");
    }
}

#[test]
fn what_a_hit_shows() {
    let (_dir, searcher) = indexed(&corpus());
    let hits = ask(&searcher, "election", &Options::default());
    let [hit] = hits.as_slice() else { panic!("{hits:?}") };
    let expected = Hit {
        source_id: SourceId(1),
        item_id: id(1),
        blob: Some(Blob::of("L\u{2019}élection approche. Où en est le budget ?".as_bytes())),
        score: hit.score,
        path: "mbox/a.mbox#0".into(),
        kind: "mail".into(),
        date: Some(APRIL_24),
        from: Some("alice.martin@example.org".into()),
        subject: Some("Réunion de campagne".into()),
        ledger_state: "parsed".into(),
        evidence: None,
        bytes: 999,
        snippet: "L\u{2019}élection approche. Où en est le budget ?".into(),
        marks: std::iter::once(4..13).collect(),
        copies: 1,
    };
    assert_eq!(*hit, expected);
    assert!(hit.score > 0.5 && (hit.score * 256.0).fract() == 0.0, "{}", hit.score);
}

/// A table with a state for each `(walk, state)` of the one source of the corpus.
fn states(entries: &[(u64, MessageState)]) -> Option<Arc<States>> {
    let mut states = States::default();
    for (walk, state) in entries {
        states.set(SourceId(1), *walk, *state).unwrap();
    }
    // Another source: nothing of it may show.
    for walk in 0..100 {
        states.set(SourceId(2), walk, MessageState::F).unwrap();
    }
    Some(Arc::new(states))
}

#[test]
fn states_of_evidence_are_looked_up_beside_the_index() {
    use MessageState::{A, B, D, E};
    let items = corpus();
    let (dir, first) = indexed(&items);
    // The same items in a segment each, one of them read twice.
    let spread = TempDir::new().unwrap();
    let mut index = open(spread.path());
    for item in &items {
        add(&mut index, item);
        index.commit(1).unwrap();
    }
    index.delete(SourceId(1), id(3));
    add(&mut index, &items[2]);
    index.commit(2).unwrap();
    index.close().unwrap();
    let second = Searcher::open(spread.path()).unwrap();

    let table = || states(&[(1, A), (2, D), (3, A), (6, E), (9, B)]);
    for searcher in [first.with_states(table()), second.with_states(table())] {
        for (query, expected) in [
            ("state:A", vec![1, 3]),
            ("state:a", vec![1, 3]),
            ("state:D", vec![2]),
            ("state:B", vec![]),
            ("state:F", vec![]),
            ("state:A OR state:D", vec![1, 2, 3]),
            ("-state:D", vec![1, 3, 4, 5, 6]),
            ("-state:D -state:A", vec![4, 5, 6]),
            ("-(state:D OR state:A) kind:text", vec![6]),
            ("state:A state:D", vec![]),
            ("state:A OR -state:A", vec![1, 2, 3, 4, 5, 6]),
            ("budget state:A", vec![1, 3]),
            ("budget -state:A", vec![2]),
            ("state:A -campagne", vec![3]),
            ("-campagne -state:D", vec![3, 4, 5, 6]),
            ("campagne OR state:E", vec![1, 6]),
            ("campagne OR -state:A", vec![1, 2, 4, 5, 6]),
            ("(campagne state:A) OR (facture -state:A)", vec![1, 4]),
            ("-(budget state:A)", vec![2, 4, 5, 6]),
            ("state:encrypted -state:A", vec![5]),
            ("state:parsed state:E", vec![6]),
            ("state:A OR state:encrypted", vec![1, 3, 5]),
            ("zzz state:A", vec![]),
            ("on:2017-04-24 state:A OR state:D élect*", vec![1]),
        ] {
            assert_eq!(walks(&ask(&searcher, query, &IN_ORDER), &items), expected, "{query}");
            let folded = Options { fold: true, ..IN_ORDER };
            assert_eq!(walks(&ask(&searcher, query, &folded), &items), expected, "{query}");
        }
        let shown: Vec<_> = ask(&searcher, "", &IN_ORDER).iter().map(|hit| hit.evidence).collect();
        assert_eq!(shown, [Some(A), Some(D), Some(A), None, None, Some(E)]);
        // States are no words: they weigh nothing.
        let weights = |query| -> Vec<f32> {
            ask(&searcher, query, &Options::default()).iter().map(|hit| hit.score).collect()
        };
        assert_eq!(weights("state:A"), [0.0, 0.0]);
        assert_eq!(weights("budget state:D OR state:A"), weights("budget"));
    }
    drop(dir);
}

#[test]
fn who_asks_for_states_needs_them() {
    let (_dir, searcher) = indexed(&corpus());
    for (query, asks) in [
        ("", false),
        ("budget state:parsed", false),
        ("\"state:A\"", false),
        ("state:a", true),
        ("-state:F", true),
        ("budget OR (x -(y state:C))", true),
        ("state:A -state:A", true),
    ] {
        let query = Query::parse(query).unwrap();
        assert_eq!(query.asks_states(), asks, "{query}");
        let answer = searcher.search(&query, &IN_ORDER);
        match asks {
            true => {
                let error = answer.expect_err("no table was given");
                assert!(matches!(error, Error::NoStates) && !error.calls_for_rebuild(), "{query}");
                assert!(error.to_string().contains("tamis examine"), "{error}");
            }
            false => assert!(answer.unwrap().hits.iter().all(|hit| hit.evidence.is_none())),
        }
    }
    // A table without states is a table: it was looked, and nothing was judged.
    let searcher = searcher.with_states(Some(Arc::default()));
    assert_eq!(ask(&searcher, "state:A", &IN_ORDER), []);
    assert_eq!(ask(&searcher, "-state:A", &IN_ORDER).len(), 6);
}

/// Each occurrence has a number of its own, so copies may have states that differ.
#[test]
fn a_copy_has_the_state_of_its_own_place() {
    let dir = TempDir::new().unwrap();
    let mut index = open(dir.path());
    let first = item(1, "a.eml", "the same words");
    add(&mut index, &first);
    index.commit(1).unwrap();
    let copy = Item { walk: 2, path: "b/a.eml", state: State::Duplicate, ..first };
    assert_eq!(index.add_copy(&place(&copy)).unwrap(), Copied::Yes);
    index.commit(2).unwrap();
    index.close().unwrap();
    let states = states(&[(1, MessageState::A), (2, MessageState::B)]);
    let searcher = Searcher::open(dir.path()).unwrap().with_states(states);
    let folded = Options { fold: true, ..IN_ORDER };
    for (query, options, expected) in [
        ("words", IN_ORDER, vec![("a.eml", "A"), ("b/a.eml", "B")]),
        ("words", folded, vec![("a.eml", "A")]),
        ("words state:B", folded, vec![("b/a.eml", "B")]),
    ] {
        let hits = ask(&searcher, query, &options);
        let shown: Vec<_> = hits
            .iter()
            .map(|hit| (hit.path.as_str(), hit.evidence.map_or("", |state| state.letter())))
            .collect();
        assert_eq!(shown, expected, "{query}");
    }
}

#[test]
fn orders_and_pages() {
    let items = corpus();
    let (_dir, searcher) = indexed(&items);
    for (sort, expected) in [
        (Sort::Walk, [1, 2, 3, 4, 5, 6]),
        (Sort::Date, [1, 2, 3, 4, 5, 6]),
        (Sort::DateDesc, [3, 2, 1, 4, 5, 6]),
        (Sort::Size, [1, 2, 3, 4, 5, 6]),
        (Sort::Relevance, [1, 2, 3, 4, 5, 6]),
    ] {
        let options = Options { sort, ..IN_ORDER };
        assert_eq!(walks(&ask(&searcher, "", &options), &items), expected, "{sort:?}");
        let page = Options { limit: 2, offset: 1, ..options };
        assert_eq!(walks(&ask(&searcher, "", &page), &items), expected[1..3], "{sort:?}");
        let beyond = Options { limit: usize::MAX, offset: 5, ..options };
        assert_eq!(walks(&ask(&searcher, "", &beyond), &items), expected[5..], "{sort:?}");
    }
    // The word stands in the subject and the text of 2; that it stands twice in the subject of 3 is less.
    let best = ask(&searcher, "budget", &Options { limit: 1, ..Options::default() });
    assert_eq!(walks(&best, &items), [2]);
    let counted =
        searcher.search(&Query::parse("budget").unwrap(), &Options { limit: 0, ..Options::default() });
    assert_eq!(counted.unwrap().total, 3);
}

/// alephdata/aleph#3165 and ICIJ/datashare#156: a copy that cannot be found in its own place.
#[test]
fn copies_are_found_in_their_own_place() {
    let dir = TempDir::new().unwrap();
    let mut index = open(dir.path());
    let first = Item { path: "a/note.txt", ..item(1, "note.txt", "the same words in two places") };
    let copy =
        |walk, path, name| Item { walk, path, name, state: State::Duplicate, batch: 2, ..first.clone() };
    let (second, third) = (copy(2, "b/lettre.txt", "lettre.txt"), copy(3, "c/n.txt", "n.txt"));
    assert_eq!(index.add_copy(&place(&second)).unwrap(), Copied::NotHere);
    add(&mut index, &first);
    assert_eq!(index.add_copy(&place(&second)).unwrap(), Copied::NotHere, "not committed yet");
    index.commit(1).unwrap();
    assert_eq!(index.add_copy(&place(&second)).unwrap(), Copied::Yes);
    assert_eq!(index.add_copy(&place(&third)).unwrap(), Copied::Yes);
    assert_eq!(index.add_copy(&Place { blob: None, ..place(&third) }).unwrap(), Copied::NotHere);
    // Differs by one letter: never folded with the others.
    add(&mut index, &Item { batch: 2, ..item(4, "d.txt", "the same words in two places!") });
    // Nothing is known of its content: stands for itself.
    add(
        &mut index,
        &Item { blob: None, batch: 2, state: State::Failed, ..item(5, "e.txt", "the same words") },
    );
    index.commit(2).unwrap();
    index.close().unwrap();

    let searcher = Searcher::open(dir.path()).unwrap();
    let names = |query, options: Options| -> Vec<(String, u64)> {
        ask(&searcher, query, &options).into_iter().map(|hit| (hit.path, hit.copies)).collect()
    };
    let shown =
        |list: &[(&str, u64)]| list.iter().map(|(path, n)| ((*path).to_owned(), *n)).collect::<Vec<_>>();
    let folded = Options { fold: true, ..IN_ORDER };
    let before = Options { last_batch: 1, ..IN_ORDER };
    for (query, options, expected) in [
        (
            "\"same words\"",
            IN_ORDER,
            vec![("a/note.txt", 3), ("b/lettre.txt", 3), ("c/n.txt", 3), ("d.txt", 1), ("e.txt", 1)],
        ),
        ("\"same words\"", folded, vec![("a/note.txt", 3), ("d.txt", 1), ("e.txt", 1)]),
        ("words is:duplicate", IN_ORDER, vec![("b/lettre.txt", 3), ("c/n.txt", 3)]),
        ("words is:duplicate", folded, vec![("b/lettre.txt", 3)]),
        ("lettre", IN_ORDER, vec![("b/lettre.txt", 3)]),
        ("state:duplicate path:c", IN_ORDER, vec![("c/n.txt", 3)]),
        ("words", before, vec![("a/note.txt", 1)]),
    ] {
        assert_eq!(names(query, options), shown(&expected), "{query}");
    }
    assert!(ask(&searcher, "lettre", &IN_ORDER)[0].snippet.contains("the same words"));
}

#[test]
fn a_copy_of_a_long_text_asks_for_the_text() {
    let dir = TempDir::new().unwrap();
    let mut index = open(dir.path());
    let long = "lorem ipsum ".repeat(8_000) + "needle";
    let one = item(1, "long.txt", "x");
    index.add(&place(&one), &Content { texts: &[&long], ..Content::default() }).unwrap();
    index.commit(1).unwrap();
    assert_eq!(index.add_copy(&place(&Item { walk: 2, ..one })).unwrap(), Copied::TextNeeded);
    drop(index);
    let hits = ask(&Searcher::open(dir.path()).unwrap(), "needle", &IN_ORDER);
    assert!(hits[0].snippet.starts_with("lorem ipsum") && hits[0].marks.is_empty());
}

#[test]
fn an_item_read_again_replaces_the_older_one() {
    let dir = TempDir::new().unwrap();
    let mut index = open(dir.path());
    for item in [item(1, "a.txt", "old words"), item(2, "b.txt", "old words")] {
        add(&mut index, &item);
    }
    index.commit(1).unwrap();
    index.delete(SourceId(1), id(1));
    index.delete(SourceId(2), id(2));
    add(&mut index, &Item { batch: 2, ..item(1, "a.txt", "new words") });
    index.commit(2).unwrap();
    drop(index);
    let searcher = Searcher::open(dir.path()).unwrap();
    let paths = |query| ask(&searcher, query, &IN_ORDER).into_iter().map(|hit| hit.path).collect::<Vec<_>>();
    assert_eq!(paths("old"), ["b.txt"]);
    assert_eq!(paths("new"), ["a.txt"]);
    assert_eq!(paths("words"), ["a.txt", "b.txt"]);
    assert_eq!(searcher.items(), 2);
}

/// A commit looks whether the merge goes on, and the end of the run waits for it: both for the same merge.
#[test]
fn a_merge_that_goes_on_is_waited_for() {
    let dir = TempDir::new().unwrap();
    let mut index = open(dir.path());
    for n in 1..=21 {
        let words: String = (0..20_000).map(|word| format!("w{word}x{n} ")).collect();
        index.add(&place(&item(n, "", "")), &Content { texts: &[&words], ..Content::default() }).unwrap();
        index.commit(n).unwrap();
    }
    index.commit(22).unwrap();
    index.optimise().unwrap();
    index.close().unwrap();
    assert_eq!(ask(&Searcher::open(dir.path()).unwrap(), "w19999x21", &IN_ORDER).len(), 1);
}

/// A corpus of many items that share few words, so that scores tie and differ.
fn many() -> Vec<Item> {
    const TEXTS: [&str; 5] = [
        "alpha beta gamma delta, alpha and beta",
        "alpha alpha alpha",
        "beta gamma; gamma beta alpha zeta eta theta iota kappa",
        "gamma delta epsilon",
        "alpha beta",
    ];
    let subject = ["alpha", "beta gamma", ""];
    (1..=60)
        .map(|walk| Item {
            batch: 1 + walk / 5,
            subject: subject[walk as usize % 3],
            ..item(walk, "n.txt", TEXTS[walk as usize % 5])
        })
        .collect()
}

/// However items are spread over commits, threads and merges, hits, scores and order are the same.
#[test]
fn order_does_not_depend_on_commits() {
    let items = many();
    let mut answers = Vec::new();
    for (threads, every, optimised, backwards) in [
        (1, 60, false, false),
        (1, 2, false, false),
        (2, 7, false, true),
        (1, 9, true, true),
        (3, 40, true, false),
    ] {
        let dir = TempDir::new().unwrap();
        let mut index = Index::open_or_create(dir.path(), 0, threads).unwrap();
        let mut items = items.clone();
        if backwards {
            items.reverse();
        }
        for chunk in items.chunks(every) {
            chunk.iter().for_each(|item| add(&mut index, item));
            index.commit(chunk[0].batch).unwrap();
        }
        if optimised {
            index.optimise().unwrap();
            assert!(fs::read_dir(dir.path()).unwrap().count() < 40, "segments are left");
        }
        index.close().unwrap();
        let searcher = Searcher::open(dir.path()).unwrap();
        let mut answer = Vec::new();
        for query in [
            "alpha",
            "alpha OR beta gamma",
            "\"alpha beta\"",
            "alph* -delta",
            "alpha OR beta OR gamma OR delta",
            "",
        ] {
            for sort in [Sort::Relevance, Sort::Walk] {
                for fold in [false, true] {
                    for last_batch in [u64::MAX, 7] {
                        let options = Options { limit: 30, offset: 3, sort, fold, last_batch };
                        let query = Query::parse(query).unwrap();
                        let hits = searcher.search(&query, &options).unwrap();
                        answer.push((hits.total, hits.hits));
                    }
                }
            }
        }
        answers.push(answer);
    }
    let (first, rest) = answers.split_first().unwrap();
    assert!(first.iter().all(|(total, _)| *total > 0));
    for other in rest {
        assert_eq!(first, other);
    }
}

#[test]
fn commits_say_what_they_hold() {
    let dir = TempDir::new().unwrap();
    assert!(matches!(Searcher::open(dir.path()), Err(Error::Missing(_))));
    let mut index = open(dir.path());
    assert_eq!(index.last_batch(), None);
    let searcher = Searcher::open(dir.path()).unwrap();
    assert_eq!((searcher.last_batch(), searcher.items()), (None, 0));
    assert_eq!(ask(&searcher, "", &IN_ORDER), []);
    add(&mut index, &item(1, "a.txt", "alpha"));
    index.commit(5).unwrap();
    assert_eq!(index.last_batch(), Some(5));
    add(&mut index, &item(2, "b.txt", "alpha"));
    assert!(matches!(Index::open_or_create(dir.path(), 0, 1), Err(Error::Locked(_))));
    drop(index);
    let index = open(dir.path());
    assert_eq!(index.last_batch(), Some(5));
    let searcher = Searcher::open(dir.path()).unwrap();
    assert_eq!((searcher.last_batch(), searcher.items()), (Some(5), 1), "what was not committed is gone");
}

#[test]
fn a_reader_writes_nothing_and_is_not_disturbed() {
    let dir = TempDir::new().unwrap();
    let mut index = open(dir.path());
    let list = |dir: &Path| {
        let mut names: Vec<_> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    add(&mut index, &item(1, "a.txt", "alpha"));
    index.commit(1).unwrap();
    index.close().unwrap();
    for lock in [".tantivy-meta.lock", ".tantivy-writer.lock"] {
        let _ = fs::remove_file(dir.path().join(lock));
    }
    let before = list(dir.path());
    let searcher = Searcher::open(dir.path()).unwrap();
    assert_eq!(ask(&searcher, "alpha", &IN_ORDER).len(), 1);
    assert_eq!(list(dir.path()), before);
    let untouched = Searcher::open(dir.path()).unwrap();
    let mut index = open(dir.path());
    for n in 2..61 {
        add(&mut index, &item(n, "b.txt", "alpha"));
        index.commit(n).unwrap();
    }
    let segments = |dir| list(dir).iter().filter(|name| name.as_encoded_bytes().ends_with(b".store")).count();
    assert!(segments(dir.path()) < 45, "{}: nothing merges while the index is written", segments(dir.path()));
    index.optimise().unwrap();
    for searcher in [searcher, untouched] {
        let hits =
            ask(&searcher, "alpha -name:b kind:text domain:x OR al*", &Options { fold: true, ..IN_ORDER });
        assert_eq!(hits.len(), 1, "as of its commit, though all its files are gone");
    }
    assert_eq!(ask(&Searcher::open(dir.path()).unwrap(), "alpha", &IN_ORDER).len(), 60);
}

#[test]
fn damage_is_told_apart_and_rebuilt() {
    type Harm = fn(&Path);
    let cases: [(Harm, bool); 4] = [
        (|dir| fs::write(dir.join("meta.json"), "{").unwrap(), true),
        (
            |dir| {
                fs::write(
                    dir.join("meta.json"),
                    fs::read_to_string(dir.join("meta.json")).unwrap().replace("\"walk\"", "\"wolk\""),
                )
                .unwrap()
            },
            true,
        ),
        (|dir| segment_files(dir).iter().for_each(|path| fs::write(path, b"short").unwrap()), true),
        (|dir| segment_files(dir).iter().for_each(|path| fs::remove_file(path).unwrap()), true),
    ];
    for (number, (harm, rebuilds)) in cases.into_iter().enumerate() {
        let (dir, searcher) = indexed(&corpus());
        drop(searcher);
        harm(dir.path());
        let error = Searcher::open(dir.path()).map(|_| ()).unwrap_err();
        assert_eq!(error.calls_for_rebuild(), rebuilds, "case {number}: {error}");
        let error = Index::open_or_create(dir.path(), 0, 1).map(|_| ()).unwrap_err();
        assert_eq!(error.calls_for_rebuild(), rebuilds, "case {number}: {error}");
        let mut index = Index::recreate(dir.path(), 0, 1).unwrap();
        assert_eq!(index.last_batch(), None);
        add(&mut index, &item(1, "a.txt", "alpha"));
        index.commit(1).unwrap();
        index.close().unwrap();
        assert_eq!(ask(&Searcher::open(dir.path()).unwrap(), "alpha", &IN_ORDER).len(), 1);
    }
}

fn segment_files(dir: &Path) -> Vec<std::path::PathBuf> {
    let files = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    let files: Vec<_> =
        files.filter(|path| path.extension().is_some_and(|end| end != "json" && end != "lock")).collect();
    assert!(!files.is_empty());
    files
}

/// Bytes of the index changed anywhere: an error or other hits, never a panic that leaves the crate.
#[test]
fn flipped_bytes_do_not_bring_the_reader_down() {
    let (dir, searcher) = indexed(&corpus());
    drop(searcher);
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let mut noticed = 0;
    for path in segment_files(dir.path()) {
        let intact = fs::read(&path).unwrap();
        for at in (0..intact.len()).step_by(intact.len() / 40 + 1) {
            let mut bytes = intact.clone();
            bytes[at] ^= 0x55;
            fs::write(&path, &bytes).unwrap();
            if let Ok(searcher) = Searcher::open(dir.path()) {
                for query in ["", "budget campagne", "\"marks spencer\"", "elec*", "domain:org on:2017"] {
                    let _ = searcher.search(&Query::parse(query).unwrap(), &IN_ORDER);
                }
                let damaged = searcher.damaged_files();
                assert!(damaged.map_or(true, |files| !files.is_empty()), "{path:?} {at}");
                noticed += 1;
            }
        }
        fs::write(&path, &intact).unwrap();
    }
    std::panic::set_hook(hook);
    assert!(noticed > 0);
    let searcher = Searcher::open(dir.path()).unwrap();
    assert_eq!(searcher.damaged_files().unwrap(), Vec::<std::path::PathBuf>::new());
    assert_eq!(ask(&searcher, "budget", &IN_ORDER).len(), 3);
}

/// ICIJ/datashare#391, #392, #766: names of companies that hold operators.
#[test]
fn lists_of_terms_are_literal() {
    let (_dir, searcher) = indexed(&corpus());
    let list = "\u{feff}Marks & Spencer\r\n\r\n  A/S Dansk \nR*T AND sons\n*budget\nOR\n&\nzzz";
    let answers: Vec<_> = terms::search(&searcher, list, Lines::Literal, &IN_ORDER)
        .map(|answer| (answer.line, answer.term, answer.hits.map(|hits| hits.total).ok()))
        .collect();
    assert_eq!(
        answers,
        [
            (1, "Marks & Spencer", Some(1)),
            (3, "A/S Dansk", Some(1)),
            (4, "R*T AND sons", Some(1)),
            (5, "*budget", Some(3)),
            (6, "OR", Some(0)),
            (7, "&", None),
            (8, "zzz", Some(0)),
        ]
    );
    let queries = terms::search(&searcher, "budget -alice\nOR", Lines::Queries, &IN_ORDER);
    let answers: Vec<_> = queries.map(|answer| answer.hits.map(|hits| hits.total)).collect();
    assert!(matches!(answers.as_slice(), [Ok(2), Err(TermError::Query(error))] if error.at == 0));
}

#[test]
fn too_broad_a_phrase_is_refused_and_a_word_is_not() {
    let words: String = (0..5_000).map(|n| format!("alpha x{n} ")).collect();
    let dir = TempDir::new().unwrap();
    let mut index = open(dir.path());
    index.add(&place(&item(1, "", "")), &Content { texts: &[&words], ..Content::default() }).unwrap();
    index.commit(1).unwrap();
    let searcher = Searcher::open(dir.path()).unwrap();
    assert_eq!(ask(&searcher, "x*", &IN_ORDER).len(), 1);
    assert_eq!(ask(&searcher, "\"alpha x49\"*", &IN_ORDER).len(), 1);
    let broad = searcher.search(&Query::parse("\"alpha x\"*").unwrap(), &IN_ORDER);
    assert!(matches!(broad, Err(Error::TooBroad { prefix, .. }) if prefix == "x"));
}

/// A reader may open the index at any moment of writing and merging.
#[test]
fn readers_open_while_a_writer_merges() {
    let dir = TempDir::new().unwrap();
    let mut index = open(dir.path());
    index.commit(0).unwrap();
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let (mut opened, mut last) = (0, 0);
            while !done.load(std::sync::atomic::Ordering::Relaxed) || opened == 0 {
                let searcher = Searcher::open(dir.path()).unwrap();
                let batch = searcher.last_batch().unwrap();
                assert!(batch >= last, "an older state is seen after a newer one");
                assert_eq!(ask(&searcher, "alpha", &IN_ORDER).len() as u64, batch);
                (opened, last) = (opened + 1, batch);
            }
            last
        });
        for n in 1..=12 {
            add(&mut index, &item(n, "a.txt", "alpha"));
            index.commit(n).unwrap();
            index.optimise().unwrap();
        }
        done.store(true, std::sync::atomic::Ordering::Relaxed);
        reader.join().unwrap();
    });
}

#[test]
fn a_searcher_is_shared_between_threads() {
    fn shared<T: Send + Sync>() {}
    shared::<Searcher>();
    shared::<Query>();
}
