//! Tests of the engine over cases on disk: tables, refusals, outputs, threads.

use std::{fs, time::Instant};

use tamis_model::{Blob, ItemId, SourceId, State};

use crate::{
    Cancel, Engine, EngineError, Settings,
    output::{self, Format},
    testing::fixture::{self, Batch, Fixture, header, item, message},
    threads,
};

fn ask_as(fixture: &Fixture, sql: &str, format: Format) -> String {
    let mut out = Vec::new();
    output::write(fixture.engine().query(sql).unwrap(), format, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn tables_and_views_answer() {
    let fixture = fixture::small();
    for (sql, expected) in [
        ("SELECT count(*) AS n FROM items", r#"{"n":5}"#),
        ("SELECT count(*) AS n FROM blobs", r#"{"n":0}"#),
        (
            "SELECT path, state FROM mails ORDER BY walk",
            concat!(
                r#"{"path":"one.eml","state":"parsed"}"#,
                "\n",
                r#"{"path":"two.eml","state":"parsed"}"#,
                "\n",
                r#"{"path":"copy.eml","state":"duplicate"}"#,
                "\n",
                r#"{"path":"three.eml","state":"partial"}"#,
            ),
        ),
        ("SELECT subject FROM mails WHERE path = 'copy.eml'", r#"{"subject":"Plan"}"#),
        ("SELECT \"to\"[2] AS second FROM messages WHERE message_id = '1@x'", r#"{"second":"c@x.org"}"#),
        (
            "SELECT bytes, name_raw, reader, reason FROM items WHERE walk = 0",
            r#"{"bytes":18446744073709551615,"name_raw":"6f6e652e656d6c","reader":"mime/1","reason":null}"#,
        ),
        (
            "SELECT date FROM messages WHERE date > '2024-01-01T01:30:00Z'",
            r#"{"date":"2024-01-01T02:00:00Z"}"#,
        ),
        ("WITH a AS (SELECT 1 AS x) SELECT x FROM a", r#"{"x":1}"#),
        ("VALUES (1)", r#"{"column1":1}"#),
        ("SELECT x FROM generate_series(1, 2) AS t(x)", "{\"x\":1}\n{\"x\":2}"),
        (
            "SELECT table_name FROM information_schema.tables WHERE table_name = 'mails'",
            r#"{"table_name":"mails"}"#,
        ),
    ] {
        assert_eq!(fixture.ask(sql).trim_end(), expected, "{sql}");
    }
    for sql in [
        "SHOW TABLES",
        "DESCRIBE items",
        "SHOW COLUMNS FROM mails",
        "EXPLAIN SELECT 1",
        "EXPLAIN ANALYZE SELECT * FROM items",
    ] {
        assert!(!fixture.ask(sql).is_empty(), "{sql}");
    }
}

#[test]
fn what_is_no_question_is_refused() {
    let fixture = fixture::small();
    let engine = fixture.engine();
    let target = fixture.dir.path().join("out.parquet");
    let target = target.display();
    for sql in [
        "CREATE TABLE x AS SELECT 1",
        "CREATE VIEW x AS SELECT 1",
        "CREATE SCHEMA x",
        "CREATE EXTERNAL TABLE x STORED AS PARQUET LOCATION '/etc/passwd.parquet'",
        "CREATE OR REPLACE EXTERNAL TABLE items STORED AS CSV LOCATION '/etc/passwd'",
        &format!("COPY items TO '{target}'"),
        &format!("COPY (SELECT 1) TO '{target}' STORED AS PARQUET"),
        "INSERT INTO items SELECT * FROM items",
        "WITH a AS (SELECT 1) INSERT INTO items SELECT * FROM items",
        "UPDATE items SET path = ''",
        "DELETE FROM items",
        "TRUNCATE TABLE items",
        "DROP TABLE items",
        "DROP VIEW mails",
        "ALTER TABLE items ADD COLUMN x INT",
        "SET datafusion.execution.batch_size = 1",
        "RESET datafusion.execution.batch_size",
        "SHOW ALL",
        "BEGIN",
        "COMMIT",
        "PREPARE x AS SELECT 1",
        "EXECUTE x",
        "EXPLAIN DELETE FROM items",
        "EXPLAIN ANALYZE DELETE FROM items",
        &format!("EXPLAIN ANALYZE COPY items TO '{target}'"),
        "CREATE FUNCTION f(x INT) RETURNS INT RETURN x",
        "SELECT * INTO x FROM items",
        "ANALYZE TABLE items",
        "GRANT SELECT ON items TO x",
    ] {
        let error = engine.query(sql).expect_err(sql);
        // Some of these are no SQL of this engine at all; none may be answered.
        assert!(
            matches!(error, EngineError::NotReadOnly { .. } | EngineError::Sql { .. }),
            "{sql}: {error}, {}",
            error.because()
        );
    }
    assert!(!fixture.dir.path().join("out.parquet").exists());
    let error = engine.query("DROP TABLE items").unwrap_err();
    assert_eq!(error.to_string(), "`DROP TABLE items` is refused: a case is read-only");
    assert!(error.hint().contains("SELECT"));
    for (sql, count) in [("", 0), ("SELECT 1; SELECT 2", 2), ("SELECT 1; DROP TABLE items", 2)] {
        assert!(matches!(engine.query(sql), Err(EngineError::NotOne { count: n }) if n == count), "{sql}");
    }
    assert_eq!(fixture.ask("SELECT count(*) AS n FROM items").trim(), r#"{"n":5}"#);
}

#[test]
fn files_cannot_be_asked() {
    let fixture = fixture::small();
    let engine = fixture.engine();
    let own = fixture.case().batches()[0].dir.join("items.parquet");
    assert!(own.exists());
    for name in [
        "'/etc/passwd.parquet'".to_owned(),
        format!("'{}'", own.display()),
        format!("'file://{}'", own.display()),
        "'tamis://case/batches'".to_owned(),
        "\"/etc/passwd\"".to_owned(),
        "other.public.items".to_owned(),
        "nothing".to_owned(),
    ] {
        let error = engine.query(&format!("SELECT * FROM {name}")).unwrap_err();
        assert!(matches!(error, EngineError::UnknownTable { .. }), "{name}: {error}");
        assert!(error.because().contains("attachments, blobs, defects"), "{}", error.because());
    }
    for sql in [
        format!("SELECT * FROM read_parquet('{}')", own.display()),
        format!("SELECT * FROM read_csv('{}')", own.display()),
        format!("SELECT * FROM parquet_metadata('{}')", own.display()),
        "SELECT input_file_name() FROM items".to_owned(),
    ] {
        assert!(engine.query(&sql).is_err(), "{sql}");
    }
    // The error quotes the statement, which may quote a dump.
    let error = engine.query("SELECT * FROM \"\u{1b}[31m\"").unwrap_err();
    assert_eq!(error.to_string(), "there is no table `%1B[31m`");
}

#[test]
fn superseded_rows_are_not_seen() {
    let [old, other] = ["old", "other"].map(|text| Blob::of(text.as_bytes()));
    let fixture = fixture::write(vec![
        Batch {
            items: vec![item("a.eml", old, 0, State::Failed), item("b.eml", other, 1, State::Parsed)],
            messages: vec![(old, message("old@x", 0, "before")), (other, message("other@x", 1, "other"))],
            headers: vec![(old, header(0, "X", "1")), (other, header(0, "X", "2"))],
            ..Batch::default()
        },
        Batch { items: vec![item("c.bin", Blob::of(b"c"), 2, State::Opaque)], ..Batch::default() },
    ]);
    let plain = "SELECT path FROM items WHERE walk < 2";
    assert!(
        !fixture.ask(&format!("EXPLAIN {plain}")).contains("seen("),
        "no overhead without superseding batches"
    );

    let again = item("a.eml", old, 3, State::Parsed);
    fixture::add(
        &fixture,
        vec![Batch {
            hides: vec![old],
            hides_items: vec![
                (SourceId(1), again.item_id),
                (SourceId(2), ItemId::top(b"b.eml", Some(&other))),
            ],
            items: vec![again],
            messages: vec![(old, message("old@x", 0, "after"))],
            ..Batch::default()
        }],
    );
    for (sql, expected) in [
        (
            "SELECT path, state FROM items ORDER BY walk",
            concat!(
                r#"{"path":"b.eml","state":"parsed"}"#,
                "\n",
                r#"{"path":"c.bin","state":"opaque"}"#,
                "\n",
                r#"{"path":"a.eml","state":"parsed"}"#,
            ),
        ),
        ("SELECT subject FROM messages ORDER BY subject", "{\"subject\":\"after\"}\n{\"subject\":\"other\"}"),
        ("SELECT value FROM headers", r#"{"value":"2"}"#),
        ("SELECT count(*) AS n FROM items", r#"{"n":3}"#),
        ("SELECT count(*) AS n FROM messages WHERE subject LIKE '%e%'", r#"{"n":2}"#),
        (
            "SELECT path, subject FROM mails ORDER BY path",
            concat!(r#"{"path":"a.eml","subject":"after"}"#, "\n", r#"{"path":"b.eml","subject":"other"}"#,),
        ),
    ] {
        assert_eq!(fixture.ask(sql).trim_end(), expected, "{sql}");
        if !sql.contains("ORDER") || sql.contains("walk") {
            crate::testing::run_everywhere(&fixture.case(), fixture.dir.path(), sql).unwrap();
        }
    }
    // Filters go down into each scan.
    let plan = fixture.ask("EXPLAIN SELECT path FROM items WHERE walk = 1");
    assert!(plan.contains("pruning_predicate") || plan.contains("predicate"), "{plan}");
}

#[test]
fn an_empty_case_has_its_tables() {
    let fixture = fixture::write(vec![]);
    assert_eq!(fixture.ask("SELECT count(*) AS n FROM mails").trim(), r#"{"n":0}"#);
    assert_eq!(fixture.ask("SELECT * FROM items"), "");
    assert_eq!(
        fixture.engine().tables().unwrap().iter().map(|table| table.name.as_str()).collect::<Vec<_>>(),
        [
            "attachments",
            "blobs",
            "defects",
            "digests",
            "headers",
            "items",
            "mails",
            "messages",
            "part_signatures",
            "signatures",
            "texts"
        ]
    );
}

#[test]
fn outputs() {
    let fixture = fixture::small();
    const SQL: &str = r#"SELECT subject, walk, date, "to", lang, state = 'partial' AS ok, 1.5 AS f, 'NaN'::DOUBLE AS n
                         FROM mails WHERE walk > 1 ORDER BY walk"#;
    for (format, expected) in [
        (
            Format::Table { cell_width: 20 },
            concat!(
                "subject  walk  date                  to                    lang  ok       f    n\n",
                "───────  ────  ────────────────────  ────────────────────  ────  ─────  ───  ───\n",
                "Plan        2  2024-01-01T00:00:00Z  [\"b@x.org\",\"c@x.org…        false  1.5  NaN\n",
                "=1+1        3  2024-01-01T02:00:00Z  [\"b@x.org\",\"c@x.org…        true   1.5  NaN\n",
            ),
        ),
        (
            Format::Json,
            concat!(
                r#"{"subject":"Plan","walk":2,"date":"2024-01-01T00:00:00Z","to":["b@x.org","c@x.org"],"#,
                r#""lang":null,"ok":false,"f":1.5,"n":null}"#,
                "\n",
                r#"{"subject":"=1+1","walk":3,"date":"2024-01-01T02:00:00Z","to":["b@x.org","c@x.org"],"#,
                r#""lang":null,"ok":true,"f":1.5,"n":null}"#,
                "\n",
            ),
        ),
        (
            Format::Csv,
            concat!(
                "subject,walk,date,to,lang,ok,f,n\r\n",
                "Plan,2,2024-01-01T00:00:00Z,\"[\"\"b@x.org\"\",\"\"c@x.org\"\"]\",,false,1.5,NaN\r\n",
                "'=1+1,3,2024-01-01T02:00:00Z,\"[\"\"b@x.org\"\",\"\"c@x.org\"\"]\",,true,1.5,NaN\r\n",
            ),
        ),
    ] {
        assert_eq!(ask_as(&fixture, SQL, format), expected, "{format:?}");
    }
    // Cells of other types: nested, dates, intervals, decimals; negative numbers are no formulas.
    for (sql, json, csv) in [
        ("-1", "-1", "-1"),
        ("'-1'", "\"-1\"", "'-1"),
        ("''", "\"\"", "\"\""),
        ("NULL", "null", ""),
        ("CAST(-1.50 AS DECIMAL(10, 2))", "-1.50", "-1.50"),
        ("DATE '2024-02-29'", "\"2024-02-29\"", "2024-02-29"),
        ("CAST('12:34:56' AS TIME)", "\"12:34:56\"", "12:34:56"),
        (
            "to_timestamp('2024-01-01T00:00:00.5+02:00')",
            "\"2023-12-31T22:00:00.500000000Z\"",
            "2023-12-31T22:00:00.500000000Z",
        ),
        ("x'00ff'", "\"00ff\"", "00ff"),
        ("[1, NULL, 3]", "[1,null,3]", "\"[1,null,3]\""),
        ("[['=a'], []]", "[[\"=a\"],[]]", "\"[[\"\"=a\"\"],[]]\""),
        (
            "named_struct('a', 1, 'b', '\"')",
            "{\"a\":1,\"b\":\"\\\"\"}",
            "\"{\"\"a\"\":1,\"\"b\"\":\"\"\\\"\"\"\"}\"",
        ),
        ("arrow_cast('=d', 'Dictionary(Int32, Utf8)')", "\"=d\"", "'=d"),
        ("arrow_cast('v', 'Utf8View')", "\"v\"", "v"),
        ("1e300", "1e300", "1e300"),
        ("18446744073709551615", "18446744073709551615", "18446744073709551615"),
        ("true", "true", "true"),
    ] {
        let sql = format!("SELECT {sql} AS c");
        let line = fixture.ask(&sql);
        assert_eq!(line, format!("{{\"c\":{json}}}\n"), "{sql}");
        serde_json::from_str::<serde_json::Value>(&line).unwrap();
        assert_eq!(ask_as(&fixture, &sql, Format::Csv), format!("c\r\n{csv}\r\n"), "{sql}");
    }
    // No rows still have their columns.
    assert_eq!(ask_as(&fixture, "SELECT path FROM items WHERE walk > 9", Format::Csv), "path\r\n");
    assert_eq!(
        ask_as(&fixture, "SELECT path FROM items WHERE walk > 9", Format::Table { cell_width: 9 }),
        "path\n────\n"
    );
}

/// Columns of the same name, as a join brings them, stay apart where names are keys.
#[test]
fn repeated_names_are_numbered() {
    let fixture = fixture::small();
    let sql = "SELECT * FROM (SELECT 1 AS a, 2 AS a_2) x JOIN (SELECT 1 AS a) y ON x.a = y.a";
    assert_eq!(fixture.ask(sql), "{\"a\":1,\"a_2\":2,\"a_3\":1}\n");
    let mut out = Vec::new();
    output::write(fixture.engine().query(sql).unwrap(), Format::Parquet, &mut out).unwrap();
    let path = fixture.path().join("derived/j.parquet");
    fs::write(&path, out).unwrap();
    let engine = fixture.engine();
    engine.add_derived("j", &[path], None).unwrap();
    assert!(engine.query("SELECT a, a_2, a_3 FROM j").is_ok());
}

/// Rows after those that sized the columns are cut, not shifted.
#[test]
fn a_long_table_streams() {
    let fixture = fixture::small();
    let text = ask_as(
        &fixture,
        "SELECT x, repeat('y', CAST(x / 500 AS INT)) AS y FROM generate_series(1, 3000) AS t(x) ORDER BY x",
        Format::Table { cell_width: 40 },
    );
    assert_eq!(text.lines().count(), 3002);
    assert_eq!(text.lines().nth(1001), Some("1000  yy"));
    assert_eq!(text.lines().last(), Some("3000  y…"));
}

#[test]
fn hostile_cells_do_not_steer() {
    let fixture = fixture::write(vec![Batch {
        messages: vec![(Blob::of(b"a"), message("a@x", 0, "\u{1b}[2J\u{202e}=x\r\n\"q\",\u{85}é日本"))],
        ..Batch::default()
    }]);
    const SQL: &str = "SELECT subject FROM messages";
    for (format, expected) in [
        (
            Format::Table { cell_width: 80 },
            "subject\n──────────────────────────────────────────\n%1B[2J%E2%80%AE=x  \"q\",%C2%85é日本\n",
        ),
        (Format::Json, "{\"subject\":\"\\u001b[2J\\u202e=x\\r\\n\\\"q\\\",\\u0085é日本\"}\n"),
        (Format::Csv, "subject\r\n\"%1B[2J%E2%80%AE=x\r\n\"\"q\"\",%C2%85é日本\"\r\n"),
    ] {
        let text = ask_as(&fixture, SQL, format);
        if format == Format::Json {
            let value: serde_json::Value = serde_json::from_str(&text).unwrap();
            assert_eq!(value["subject"], "\u{1b}[2J\u{202e}=x\r\n\"q\",\u{85}é日本");
        }
        if let Format::Table { .. } = format {
            assert_eq!(text.lines().last(), expected.lines().last());
        } else {
            assert_eq!(text, expected);
        }
    }
}

#[test]
fn parquet_output_reads_back() {
    let fixture = fixture::small();
    let mut out = Vec::new();
    let answer = fixture.engine().query("SELECT * FROM items ORDER BY walk").unwrap();
    assert_eq!(output::write(answer, Format::Parquet, &mut out).unwrap(), 5);
    let derived = fixture.path().join("derived/copy-1");
    fs::create_dir_all(&derived).unwrap();
    fs::write(derived.join("copy.parquet"), &out).unwrap();
    let engine = fixture.engine();
    engine.add_derived("copy", &[derived.join("copy.parquet")], None).unwrap();
    let (mut copy, mut items) = (Vec::new(), Vec::new());
    output::write(engine.query("SELECT * FROM copy ORDER BY walk").unwrap(), Format::Json, &mut copy)
        .unwrap();
    output::write(engine.query("SELECT * FROM items ORDER BY walk").unwrap(), Format::Json, &mut items)
        .unwrap();
    assert_eq!(copy, items);

    // No rows is a file as well.
    let mut none = Vec::new();
    output::write(engine.query("SELECT * FROM items WHERE walk > 9").unwrap(), Format::Parquet, &mut none)
        .unwrap();
    assert!(none.starts_with(b"PAR1") && none.ends_with(b"PAR1"));
}

#[test]
fn derived_files_lie_in_the_case() {
    let fixture = fixture::small();
    let engine = fixture.engine();
    let own = fixture.case().batches()[0].dir.join("items.parquet");
    let outside = fixture.dir.path().join("items.parquet");
    fs::copy(&own, &outside).unwrap();
    let link = fixture.path().join("derived/link.parquet");
    std::os::unix::fs::symlink(&outside, &link).unwrap();
    let dots = fixture.path().join("derived/../../items.parquet");
    for path in [outside, link, dots] {
        let error = engine.add_derived("x", &[path], None).unwrap_err();
        assert!(matches!(error, EngineError::Outside { .. }), "{error}");
    }
    for name in ["", "X", "a b", "1a", "a;b", "é"] {
        assert!(engine.add_derived(name, std::slice::from_ref(&own), None).is_err(), "{name}");
    }
    engine.add_derived("again", &[own], None).unwrap();
    assert!(engine.query("SELECT * FROM again").is_ok());
}

#[test]
fn a_linked_or_broken_batch_is_damage() {
    let fixture = fixture::small();
    let path = fixture.case().batches()[0].dir.join("items.parquet");
    let good = fs::read(&path).unwrap();
    fs::remove_file(&path).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", &path).unwrap();
    assert!(matches!(Engine::open(&fixture.case(), fixture.settings()), Err(EngineError::Outside { .. })));
    fs::remove_file(&path).unwrap();
    for bytes in [&b""[..], b"PAR1", b"not parquet at all", good.get(..good.len() / 2).unwrap(), &good[8..]] {
        fs::write(&path, bytes).unwrap();
        let engine = Engine::open(&fixture.case(), fixture.settings()).unwrap();
        let answer = engine.query("SELECT * FROM items").and_then(|rows| rows.collect::<Result<Vec<_>, _>>());
        assert!(matches!(answer, Err(EngineError::Damaged { .. })), "{:?}", answer.map(|rows| rows.len()));
    }
    // Flipped bytes: an error or an answer, never a crash.
    for at in (0..good.len()).step_by(37) {
        let mut bad = good.clone();
        bad[at] ^= 0x5a;
        fs::write(&path, bad).unwrap();
        let engine = Engine::open(&fixture.case(), fixture.settings()).unwrap();
        let _ = engine.query("SELECT * FROM items").and_then(|rows| rows.collect::<Result<Vec<_>, _>>());
    }
}

#[test]
fn memory_is_bounded_and_a_sort_spills() {
    let items = (0..20_000)
        .map(|n| item(&format!("{:032x}-{n}", u64::MAX / (n + 1)), Blob::of(b""), n, State::Parsed))
        .collect();
    let fixture = fixture::write(vec![Batch { items, ..Batch::default() }]);
    let with = |memory_bytes, partitions| {
        let settings = Settings { memory_bytes, partitions, ..fixture.settings() };
        Engine::open(&fixture.case(), settings).unwrap()
    };
    let sorted = |engine: &Engine| {
        let mut out = Vec::new();
        let answer = engine.query("SELECT * FROM items ORDER BY path, walk")?;
        output::write(answer, Format::Json, &mut out)?;
        Ok::<_, EngineError>(out)
    };
    let large = sorted(&with(256 << 20, 1)).unwrap();
    let small = with(14 << 20, 1);
    let explained = small.query("EXPLAIN ANALYZE SELECT * FROM items ORDER BY path, walk").unwrap();
    let mut text = Vec::new();
    output::write(explained, Format::Json, &mut text).unwrap();
    let text = String::from_utf8(text).unwrap();
    assert!(text.contains("spill_count=") && !text.contains("spill_count=0"), "{text}");
    assert_eq!(sorted(&small).unwrap(), large);
    assert!(matches!(sorted(&with(1 << 10, 1)), Err(EngineError::Memory { .. })));
    drop(small);
    let left =
        fs::read_dir(fixture.dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect::<Vec<_>>();
    assert_eq!(left, ["x.case"], "spilled files are removed");
}

#[test]
fn a_query_can_be_stopped() {
    let fixture = fixture::small();
    let engine = fixture.engine();
    let cancel = Cancel::default();
    let endless = "SELECT count(*) FROM generate_series(1, 100000000000) AS a(x)";
    let started = Instant::now();
    let stopper = std::thread::spawn({
        let cancel = cancel.clone();
        move || {
            std::thread::sleep(std::time::Duration::from_millis(50));
            cancel.cancel();
        }
    });
    let mut answer = engine.query(endless).unwrap().until(&cancel);
    assert!(matches!(answer.next(), Some(Err(EngineError::Cancelled))));
    assert!(answer.next().is_none());
    stopper.join().unwrap();
    assert!(started.elapsed().as_secs() < 20);
}

/// An engine may be used and dropped by a thread that a server's runtime lends for blocking work.
#[test]
fn lives_inside_another_runtime() {
    let fixture = fixture::small();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let engine = fixture.engine();
    runtime.block_on(async move { drop(engine) });
    let engine = fixture.engine();
    let rows = runtime.block_on(async {
        let ask = move || engine.query("SELECT * FROM items").unwrap().count();
        tokio::task::spawn_blocking(ask).await.unwrap()
    });
    assert!(rows > 0);
}

#[test]
fn errors_have_their_lines() {
    let fixture = fixture::small();
    let engine = fixture.engine();
    for (sql, because) in
        [("SELEC 1", "Expected"), ("SELECT nothing FROM items", "nothing"), ("SELECT 1 +", "Expected")]
    {
        let error = engine.query(sql).unwrap_err();
        assert!(error.because().contains(because), "{sql}: {}", error.because());
        assert!(!error.because().contains('\n') && !error.hint().is_empty());
    }
    let deep = format!("SELECT {}1{}", "(".repeat(5_000), ")".repeat(5_000));
    assert!(matches!(engine.query(&deep), Err(EngineError::Sql { .. })));
}

fn built(fixture: &Fixture) -> String {
    let engine = fixture.engine();
    let path = threads::build(&engine, &fixture.path().join("derived"), &Cancel::default()).unwrap();
    assert!(path.ends_with(format!("threads-{}/threads.parquet", engine.generation())));
    engine.refresh_derived().unwrap();
    let mut out = Vec::new();
    let sql = "SELECT message_id AS m, parent_message_id AS p, depth AS d, position AS n, missing, guess
               FROM threads ORDER BY root_message_id, position";
    output::write(engine.query(sql).unwrap(), Format::Csv, &mut out).unwrap();
    let text = String::from_utf8(out).unwrap().replace("\r\n", "\n");
    text.lines().skip(1).map(|line| line.replace("true", "1").replace("false", "0") + "\n").collect()
}

#[test]
fn threads_of_a_case() {
    let reply = |id: &str, at, to: &[&str], references: &[&str]| {
        let own = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect();
        tamis_model::tables::Message {
            in_reply_to: own(to),
            references: own(references),
            ..message(id, at, "Re: x")
        }
    };
    let blob = |text: &str| Blob::of(text.as_bytes());
    let fixture = fixture::write(vec![
        Batch {
            messages: vec![
                // Arrives before its parent, and dated before it.
                (blob("1"), reply("b@x", 5, &["a@x"], &[])),
                (blob("2"), reply("m@x", 1, &["gone@x"], &[])),
                // A cycle.
                (blob("3"), reply("p@x", 1, &["q@x"], &[])),
                (blob("4"), reply("q@x", 2, &["p@x"], &[])),
            ],
            ..Batch::default()
        },
        Batch {
            messages: vec![
                (blob("5"), message("a@x", 9, "x")),
                // Another mail with the same id, differing in content.
                (blob("6"), message("a@x", 8, "x, changed")),
            ],
            ..Batch::default()
        },
    ]);
    assert!(fixture.engine().query("SELECT * FROM threads").is_err(), "not built yet");
    let expected = "\
b@x,a@x,1,0,0,0
a@x,,0,1,0,0
a@x,,0,2,0,0
m@x,gone@x,1,0,0,0
gone@x,,0,1,1,0
p@x,,0,0,0,0
q@x,p@x,1,1,0,0
";
    assert_eq!(built(&fixture), expected);

    // The next engine finds it, and it is the same whoever builds it.
    let first = fs::read(fixture.path().join("derived/threads-2/threads.parquet")).unwrap();
    assert_eq!(fixture.ask("SELECT count(DISTINCT thread_id) AS n FROM threads").trim(), r#"{"n":3}"#);
    for (partitions, batch_rows) in crate::testing::WAYS {
        let settings = Settings { partitions, batch_rows, ..fixture.settings() };
        let engine = Engine::open(&fixture.case(), settings).unwrap();
        threads::build(&engine, &fixture.path().join("derived"), &Cancel::default()).unwrap();
        let again = fs::read(fixture.path().join("derived/threads-2/threads.parquet")).unwrap();
        assert_eq!(again, first, "{partitions} {batch_rows}");
    }

    // A later batch makes it old: it is not offered until it is built again. The id of the thread whose
    // parent was missing stays.
    let id = |fixture: &Fixture| fixture.ask("SELECT thread_id FROM threads WHERE message_id = 'm@x'");
    let before = id(&fixture);
    fixture::add(
        &fixture,
        vec![Batch { messages: vec![(blob("7"), message("gone@x", 0, "x"))], ..Batch::default() }],
    );
    assert!(fixture.engine().query("SELECT * FROM threads").is_err(), "made from an older state");
    built(&fixture);
    assert_eq!(id(&fixture), before);
    assert_eq!(fixture.ask("SELECT count(*) AS n FROM threads WHERE missing").trim(), r#"{"n":0}"#);
}

/// Links in a stranger's `derived/` lead neither reading nor writing out of the case.
#[test]
fn derived_links_are_not_followed() {
    let fixture = fixture::small();
    let derived = fixture.path().join("derived");
    built(&fixture);
    let precious = fixture.dir.path().join("precious");
    fs::rename(derived.join("threads-2"), &precious).unwrap();
    std::os::unix::fs::symlink(&precious, derived.join("threads-2")).unwrap();
    let engine = fixture.engine();
    assert!(engine.query("SELECT * FROM threads").is_err());
    let error = threads::build(&engine, &derived, &Cancel::default()).unwrap_err();
    assert!(matches!(error, EngineError::Outside { .. }), "{error}");

    fs::remove_file(derived.join("threads-2")).unwrap();
    fs::create_dir(derived.join("threads-2")).unwrap();
    let text = fixture.dir.path().join("text");
    fs::write(&text, "mine").unwrap();
    std::os::unix::fs::symlink(&text, derived.join("threads-2/threads.parquet.new")).unwrap();
    built(&fixture);
    assert_eq!(fs::read_to_string(&text).unwrap(), "mine");
}

#[test]
fn subjects_are_guesses_only() {
    let sent = |from: &str, to: &str, id: &str, at, subject: &str| tamis_model::tables::Message {
        from_addr: Some(from.to_owned()),
        to: vec![to.to_owned()],
        ..message(id, at, subject)
    };
    const DAY: i64 = 24;
    let mails = vec![
        sent("a@x.org", "b@x.org", "first@x", 0, "Plan"),
        sent("a@x.org", "b@x.org", "second@x", DAY, "Plan"),
        // From the recipient to the sender: hangs below the latest.
        sent("B@x.org", "a@x.org", "yes@x", 2 * DAY, "RE[2]: AW:  plan "),
        // A guess may carry another.
        sent("a@x.org", "b@x.org", "chain@x", 3 * DAY, "Re: Re: Plan"),
        // Other participants, no reply prefix, a forward, too late: nothing.
        sent("c@x.org", "a@x.org", "other@x", 3 * DAY, "Re: Plan"),
        sent("b@x.org", "a@x.org", "plain@x", 4 * DAY, "Plan"),
        sent("b@x.org", "a@x.org", "fwd@x", 4 * DAY, "Fwd: Plan"),
        sent("b@x.org", "a@x.org", "late@x", 40 * DAY, "Re: Plan"),
        // An empty subject links nothing.
        sent("a@x.org", "b@x.org", "empty@x", 0, ""),
        sent("b@x.org", "a@x.org", "re@x", DAY, "Re: "),
    ];
    let messages =
        mails.into_iter().enumerate().map(|(n, mail)| (Blob::of(&n.to_le_bytes()), mail)).collect();
    let fixture = fixture::write(vec![Batch { messages, ..Batch::default() }]);
    built(&fixture);
    let rows = "SELECT message_id AS m, parent_message_id AS p FROM threads WHERE guess ORDER BY position";
    assert_eq!(
        fixture.ask(rows),
        "{\"m\":\"yes@x\",\"p\":\"second@x\"}\n{\"m\":\"chain@x\",\"p\":\"yes@x\"}\n"
    );
    assert_eq!(fixture.ask("SELECT count(DISTINCT thread_id) AS n FROM threads").trim(), r#"{"n":8}"#);
}

/// Opening and counting must feel like nothing. Generous here: other tests run beside it.
#[test]
fn opening_is_quick() {
    let fixture = fixture::small();
    fixture.ask("SELECT 1");
    let started = Instant::now();
    fixture.ask("SELECT count(*) FROM items");
    let took = started.elapsed();
    println!("open and count: {took:?}");
    assert!(took.as_millis() < 1500, "{took:?}");
}
