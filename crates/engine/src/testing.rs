//! For tests of rules: the same question asked in several ways must have the same bytes as its answer.

use std::path::Path;

use tamis_case::Case;

use crate::{
    Engine, EngineError, Settings,
    output::{self, Format},
};

/// Partitions and rows of a batch with which [`run_everywhere`] runs a query.
pub const WAYS: [(usize, usize); 4] = [(1, 64), (1, 8192), (7, 64), (7, 8192)];

/// Answers `sql` with 1 and 7 partitions and batches of 64 and 8,192 rows, and returns the answer as
/// JSON Lines; [`EngineError::Differs`] where two ways give different bytes. `tmp` as in [`Settings`].
pub fn run_everywhere(case: &Case, tmp: &Path, sql: &str) -> Result<Vec<u8>, EngineError> {
    let name = |(partitions, rows): (usize, usize)| format!("{partitions} partitions of {rows}-row batches");
    let mut first: Option<((usize, usize), Vec<u8>)> = None;
    for way in WAYS {
        let (partitions, batch_rows) = way;
        let settings = Settings { memory_bytes: 256 << 20, partitions, batch_rows, tmp: tmp.to_owned() };
        let mut bytes = Vec::new();
        output::write(Engine::open(case, settings)?.query(sql)?, Format::Json, &mut bytes)?;
        match &first {
            None => first = Some((way, bytes)),
            Some((other, same)) if *same != bytes => {
                return Err(EngineError::Differs { left: name(*other), right: name(way) });
            }
            Some(_) => {}
        }
    }
    Ok(first.map(|(_, bytes)| bytes).unwrap_or_default())
}

/// Small cases for the tests of this crate.
#[cfg(test)]
pub(crate) mod fixture {
    use std::path::PathBuf;

    use tamis_case::{Case, Options, Totals, Writer};
    use tamis_model::{
        Blob, ItemId, SourceId, State,
        tables::{Fact, Header, Item, Message, Time},
    };
    use tempfile::TempDir;

    use crate::{Engine, Settings};

    /// A case below a temporary folder.
    pub(crate) struct Fixture {
        pub(crate) dir: TempDir,
    }

    impl Fixture {
        pub(crate) fn path(&self) -> PathBuf {
            self.dir.path().join("x.case")
        }

        pub(crate) fn case(&self) -> Case {
            Case::open(&self.path(), self.dir.path()).unwrap()
        }

        pub(crate) fn settings(&self) -> Settings {
            Settings {
                memory_bytes: 64 << 20,
                partitions: 2,
                batch_rows: 1024,
                tmp: self.dir.path().to_owned(),
            }
        }

        pub(crate) fn engine(&self) -> Engine {
            Engine::open(&self.case(), self.settings()).unwrap()
        }

        pub(crate) fn open(self) -> (Fixture, Engine) {
            let engine = self.engine();
            (self, engine)
        }

        /// JSON Lines of an answer.
        pub(crate) fn ask(&self, sql: &str) -> String {
            let mut out = Vec::new();
            crate::output::write(self.engine().query(sql).unwrap(), crate::output::Format::Json, &mut out)
                .unwrap();
            String::from_utf8(out).unwrap()
        }
    }

    /// A batch in words.
    #[derive(Default)]
    pub(crate) struct Batch {
        pub(crate) items: Vec<Item>,
        pub(crate) messages: Vec<(Blob, Message)>,
        pub(crate) headers: Vec<(Blob, Header)>,
        pub(crate) hides: Vec<Blob>,
        pub(crate) hides_items: Vec<(SourceId, ItemId)>,
    }

    pub(crate) fn write(batches: Vec<Batch>) -> Fixture {
        let fixture = Fixture { dir: TempDir::new().unwrap() };
        add(&fixture, batches);
        fixture
    }

    pub(crate) fn add(fixture: &Fixture, batches: Vec<Batch>) {
        const AT: &str = "2024-01-01T00:00:00Z";
        let mut writer = Writer::open(&fixture.path(), Options::default(), AT).unwrap();
        for batch in batches {
            let mut draft = writer.draft().unwrap();
            batch.items.iter().for_each(|item| draft.item(item).unwrap());
            for (blob, message) in batch.messages {
                draft.fact(&blob, &Fact::Message(Box::new(message))).unwrap();
            }
            for (blob, header) in batch.headers {
                draft.fact(&blob, &Fact::Header(header)).unwrap();
            }
            draft.supersedes().blobs.extend(batch.hides);
            draft.supersedes().items.extend(batch.hides_items);
            writer.commit(draft, &Totals::default(), &[], AT).unwrap();
        }
    }

    pub(crate) fn item(path: &str, blob: Blob, walk: u64, state: State) -> Item {
        Item {
            source_id: SourceId(1),
            item_id: ItemId::top(path.as_bytes(), Some(&blob)),
            parent_id: None,
            walk,
            walk_end: walk,
            ordinal: 0,
            depth: 0,
            path: path.to_owned(),
            name_raw: path.as_bytes().to_vec(),
            at: None,
            len: None,
            coding: "identity".to_owned(),
            blob: Some(blob),
            bytes: u64::MAX - walk,
            media_type: "message/rfc822".to_owned(),
            reader: Some("mime/1".to_owned()),
            state,
            reason: None,
            children: 0,
            own: 0,
            gap: 0,
            unread: 0,
            no_text: 0,
        }
    }

    /// `at`: hours after 2024-01-01.
    pub(crate) fn message(id: &str, at: i64, subject: &str) -> Message {
        Message {
            form: "source".to_owned(),
            message_id: Some(id.to_owned()).filter(|id| !id.is_empty()),
            date_raw: None,
            date: Some(Time(1_704_067_200_000_000 + at * 3_600_000_000)),
            utc_offset_min: Some(0),
            from_addr: Some("a@x.org".to_owned()),
            from_name: None,
            from_domain: Some("x.org".to_owned()),
            to: vec!["b@x.org".to_owned(), "c@x.org".to_owned()],
            cc: vec![],
            bcc: vec![],
            subject: Some(subject.to_owned()),
            in_reply_to: vec![],
            references: vec![],
            mailer: None,
            list_id: None,
            received: 0,
            marks: Vec::new(),
            lang: None,
            attachments: 0,
        }
    }

    /// Two batches: three mails (one twice), and a file that is no mail.
    pub(crate) fn small() -> Fixture {
        let blobs = ["one", "two", "three", "file"].map(|text| Blob::of(text.as_bytes()));
        let [one, two, three, file] = blobs;
        write(vec![
            Batch {
                items: vec![item("one.eml", one, 0, State::Parsed), item("two.eml", two, 1, State::Parsed)],
                messages: vec![(one, message("1@x", 0, "Plan")), (two, message("2@x", 1, "Re: Plan"))],
                headers: vec![(one, header(0, "Subject", "Plan")), (two, header(0, "Subject", "Re: Plan"))],
                ..Batch::default()
            },
            Batch {
                items: vec![
                    item("copy.eml", one, 2, State::Duplicate),
                    item("three.eml", three, 3, State::Partial),
                    item("file.bin", file, 4, State::Opaque),
                ],
                messages: vec![(three, message("3@x", 2, "=1+1"))],
                ..Batch::default()
            },
        ])
    }

    pub(crate) fn header(ordinal: u32, name: &str, value: &str) -> Header {
        Header { ordinal, name: name.to_owned(), value: value.to_owned(), value_raw: None, at: 0, len: 0 }
    }
}

#[cfg(test)]
mod tests {
    use tamis_model::{Blob, State};

    use super::*;

    /// 3,000 items in three batches, so that there are several partitions and batches.
    fn large() -> fixture::Fixture {
        let batch = |from: u64| fixture::Batch {
            items: (from..from + 1000)
                .map(|n| {
                    fixture::item(&format!("{n}.eml"), Blob::of(&(n % 700).to_le_bytes()), n, State::Parsed)
                })
                .collect(),
            messages: (from..(from + 1000).min(700))
                .map(|n| {
                    let message =
                        fixture::message(&format!("{n}@x"), (n % 50) as i64, &format!("s{}", n % 9));
                    (Blob::of(&n.to_le_bytes()), message)
                })
                .collect(),
            ..fixture::Batch::default()
        };
        fixture::write([0, 1000, 2000].map(batch).into())
    }

    #[test]
    fn same_bytes_everywhere() {
        let fixture = large();
        let case = fixture.case();
        for (sql, rows) in [
            ("SELECT * FROM items ORDER BY source_id, item_id", 3000),
            ("SELECT * FROM mails ORDER BY source_id, item_id", 3000),
            (
                "SELECT subject, count(*) n, min(date), sum(attachments) FROM mails GROUP BY subject ORDER BY subject",
                9,
            ),
            ("SELECT walk FROM items ORDER BY walk DESC LIMIT 5", 5),
            (
                "SELECT subject, array_agg(message_id ORDER BY message_id) FROM messages GROUP BY subject ORDER BY subject",
                9,
            ),
            (
                "SELECT blob, row_number() OVER (PARTITION BY subject ORDER BY date, blob) n FROM messages ORDER BY blob",
                700,
            ),
        ] {
            let answer = run_everywhere(&case, fixture.dir.path(), sql).unwrap();
            assert_eq!(answer.iter().filter(|byte| **byte == b'\n').count(), rows, "{sql}");
            let unique: &[&[&str]] = &[&["source_id", "item_id"], &["walk"], &["blob"]];
            let plan = fixture.engine().plan(sql).unwrap();
            assert_eq!(crate::rules::check_rule(&plan, unique), [], "{sql}");
        }
    }

    /// The comparison itself must be able to fail.
    #[test]
    fn chance_is_noticed() {
        let fixture = large();
        let error = run_everywhere(&fixture.case(), fixture.dir.path(), "SELECT random()").unwrap_err();
        assert!(matches!(error, EngineError::Differs { .. }), "{error}");
    }
}
