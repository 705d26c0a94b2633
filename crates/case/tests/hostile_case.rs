//! A case from a stranger: whatever its files hold, opening it, reading its rows and contents and verifying
//! it end with an answer or an error: no panic, no endless work, no absurd memory. `TAMIS_FUZZ_ROUNDS`
//! multiplies the rounds of random changes; a failure says which file and round it was.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use arrow::{
    array::{ArrayRef, Int64Array, LargeStringArray, NullArray, RecordBatch, new_null_array},
    datatypes::{Field, Schema},
};
use parquet::arrow::{ArrowWriter, arrow_reader::ParquetRecordBatchReaderBuilder};
use tamis_case::{BatchDraft, Case, CaseError, FileStamp, Options, Table, Totals, Writer};
use tamis_model::{
    Blob, ItemId, SourceId, State,
    tables::{Attachment, Defect, Digest, Fact, Header, Item, Message, PartSignature, Signature, Text},
};

const NOW: &str = "2017-05-05T18:00:00Z";
/// Random changes of each file in `./test`.
const ROUNDS: u64 = 40;
/// More than any row of the small case here can need.
const MEMORY: usize = 256 << 20;
const PATIENCE: Duration = Duration::from_secs(20);

// ---- what is done to a case ----

/// Everything that a command does with a case that it only reads.
fn exercise(dir: &Path) -> Result<(), CaseError> {
    let scratch = tempfile::tempdir().unwrap();
    let case = Case::open(dir, scratch.path())?;
    // Each of these may fail by itself; the others are asked all the same.
    let mut blobs: Vec<Blob> = vec![Blob::of(b"nothing")];
    let mut ids: Vec<ItemId> = Vec::new();
    let items = case.items(|item| {
        if ids.len() < 8 {
            ids.push(item.item_id);
            blobs.extend(item.blob);
        }
        Ok(())
    });
    let _ = (case.facts::<Message>(|_| true, |_, _| Ok(())), case.facts::<Header>(|_| true, |_, _| Ok(())));
    let _ = (case.facts::<Text>(|_| true, |_, _| Ok(())), case.facts::<Defect>(|_| true, |_, _| Ok(())));
    let _ = case.facts::<Attachment>(|_| true, |_, _| Ok(()));
    let _ = (case.facts::<Signature>(|_| true, |_, _| Ok(())), case.facts::<Digest>(|_| true, |_, _| Ok(())));
    let _ = case.facts::<PartSignature>(|_| true, |_, _| Ok(()));
    for batch in case.batches() {
        let path = batch.dir.join("texts.parquet");
        if let Ok(rows) = tamis_case::stream_facts::<Text, _>(&path, |_| true) {
            rows.take_while(Result::is_ok).for_each(drop);
        }
    }
    let _ = (case.audit(), case.digest(), case.totals());
    for source in case.sources().unwrap_or_default() {
        let _ = (case.received(source.source_id), case.single_file(&source));
    }
    ids.into_iter().for_each(|id| drop(case.item(id)));
    if let Ok(mut vault) = case.vault() {
        for blob in &blobs {
            if let Ok(bytes) = vault.bytes(blob, 4 << 20) {
                assert_eq!(Blob::of(&bytes), *blob, "handed out what it is not");
            }
        }
    }
    let mut left = 16i64 << 20;
    case.verify(|bytes| {
        left = left.saturating_sub_unsigned(bytes);
        left > 0
    });
    items
}

/// Exercises a case and holds the promise; what it came to is not the question.
fn survives(dir: &Path, what: &str) -> Result<(), CaseError> {
    let began = Instant::now();
    let (result, held) = peak(|| catch_unwind(AssertUnwindSafe(|| exercise(dir))));
    let Ok(result) = result else { panic!("{what}: panicked") };
    assert!(held < MEMORY, "{what}: {held} bytes held");
    assert!(began.elapsed() < PATIENCE, "{what}: took {:?}", began.elapsed());
    result
}

/// Counts what the current thread holds.
struct Counting;

thread_local! {
    /// Bytes held now, and the most so far.
    static HELD: Cell<(usize, usize)> = const { Cell::new((0, 0)) };
}

// SAFETY: the system's allocator does the work; the counters allocate nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let _ = HELD.try_with(|held| {
            let now = held.get().0.wrapping_add(layout.size());
            held.set((now, held.get().1.max(now)));
        });
        // SAFETY: as the caller promised.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        let _ = HELD.try_with(|held| held.set((held.get().0.saturating_sub(layout.size()), held.get().1)));
        // SAFETY: as the caller promised.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// What `f` returns, and the most that this thread held for it at a time.
fn peak<T>(f: impl FnOnce() -> T) -> (T, usize) {
    let before = HELD.get().0;
    HELD.set((before, before));
    let value = f();
    (value, HELD.get().1.saturating_sub(before))
}

// ---- a small case ----

const FILE: &[u8] = b"From a@b Mon Jan  1 00:00:00 2001\nSubject: a\n\nthe text of a mail\n";

fn an_item(source: SourceId, name: &[u8], content: &[u8]) -> Item {
    let blob = Blob::of(content);
    Item {
        source_id: source,
        item_id: ItemId::top(name, Some(&blob)),
        parent_id: None,
        walk: 0,
        walk_end: 0,
        ordinal: 0,
        depth: 0,
        path: String::from_utf8_lossy(name).into_owned(),
        name_raw: name.to_owned(),
        at: None,
        len: None,
        coding: "identity".into(),
        blob: Some(blob),
        bytes: content.len() as u64,
        media_type: "text/plain".into(),
        reader: Some("text/1".into()),
        state: State::Parsed,
        reason: None,
        children: 0,
        own: content.len() as u64,
        gap: 0,
        unread: 0,
        no_text: 0,
    }
}

fn facts() -> Vec<Fact> {
    let (part, origin, media_type) = (String::new(), "original".to_owned(), "text/plain".to_owned());
    let text = "the text of a mail\n".to_owned();
    vec![
        Fact::Message(Box::new(Message {
            form: "source".into(),
            message_id: Some("1@x.example".into()),
            date_raw: Some("Mon, 1 Jan 2001".into()),
            date: Some(tamis_model::tables::Time(978_307_200_000_000)),
            utc_offset_min: Some(0),
            from_addr: Some("a@x.example".into()),
            from_name: None,
            from_domain: Some("x.example".into()),
            to: vec!["b@x.example".into(), "c@x.example".into()],
            cc: vec![],
            bcc: vec![],
            subject: Some("a".into()),
            in_reply_to: vec![],
            references: vec!["0@x.example".into()],
            mailer: None,
            list_id: None,
            received: 0,
            marks: Vec::new(),
            lang: Some("en".into()),
            attachments: 1,
        })),
        Fact::Header(Header {
            ordinal: 0,
            name: "Subject".into(),
            value: "a".into(),
            value_raw: Some(b"  a".into()),
            at: 0,
            len: 11,
        }),
        Fact::Text(Text { part, chunk: 0, origin, made_by: None, media_type, lang: Some("en".into()), text }),
        Fact::Defect(Defect { kind: "gap".into(), at: Some(0), len: Some(1), note: "a note".into() }),
        Fact::Signature(Box::new(Signature {
            ordinal: 0,
            field: 0,
            kind: "dkim".into(),
            instance: None,
            dialect: "rfc6376".into(),
            domain: "x.example".into(),
            selector: "s".into(),
            identity: Some("@x.example".into()),
            algorithm: "rsa-sha256".into(),
            canon: "relaxed/relaxed".into(),
            signed_headers: vec!["from".into()],
            oversigned: vec![],
            unsigned_visible: vec!["date".into()],
            doubled_visible: vec![],
            one_reading: true,
            author_domains: vec!["x.example".into()],
            sender_domain: None,
            body_hash: Some(vec![1; 32]),
            body_length: Some(3),
            signed_at: Some(tamis_model::tables::Time(0)),
            expires_at: None,
            chain: None,
            signature: vec![2; 64],
            defects: vec![],
        })),
        Fact::Digest(Digest {
            ordinal: 0,
            part: "header".into(),
            repair: Some("subject-tag-removed".into()),
            hash: "sha256".into(),
            digest: vec![3; 32],
            holds: None,
            uncovered: 0,
            undone: Some("[tag]".into()),
        }),
        Fact::PartSignature(Box::new(PartSignature {
            ordinal: 0,
            part: "1".into(),
            kind: "pgp".into(),
            result: "no-key".into(),
            signer: None,
            addresses: vec![],
            issuer: None,
            key_id: Some("00".into()),
            key_from: None,
            algorithm: None,
            key_bits: None,
            signed_at: None,
            valid_from: None,
            valid_to: None,
            self_issued: None,
            note: None,
        })),
    ]
}

/// A case of two batches: a mailbox with a range of it, a file by reference, and rows of all tables; the
/// second batch takes the place of a row of the first.
fn small_case(at: &Path) -> PathBuf {
    let (dump, dir) = (at.join("dump"), at.join("case"));
    fs::create_dir_all(&dump).unwrap();
    fs::write(dump.join("by-reference"), b"left where it is").unwrap();
    let mut writer = Writer::open(&dir, Options::default(), NOW).unwrap();
    let source = writer.source(&dump, 2, 100, NOW).unwrap();
    let mut totals = Totals::default();

    let mut draft = writer.draft().unwrap();
    let old = an_item(source, b"old", b"taken back");
    fill(&mut draft, source, &old);
    assert!(draft.store(Blob::of(b"taken back"), 10, &mut b"taken back".as_slice()).unwrap());
    totals.item(State::Parsed);
    totals.bytes.received = 10;
    (totals.bytes.accounted, totals.bytes.read) = (10, 10);
    let stamp = FileStamp { bytes: 10, mtime_ns: 1, ctime_ns: 2, inode: 3 };
    let files = [(source, b"old".to_vec(), stamp, old.item_id)];
    writer.commit(draft, &totals, &files, NOW).unwrap();

    let mut draft = writer.draft().unwrap();
    let top = an_item(source, b"a.mbox", FILE);
    let mail = &FILE[34..];
    let child = Item {
        item_id: top.item_id.child(0, b""),
        parent_id: Some(top.item_id),
        walk: 1,
        walk_end: 1,
        depth: 1,
        path: "a.mbox#0".into(),
        at: Some(34),
        len: Some(mail.len() as u64),
        ..an_item(source, b"", mail)
    };
    let top = Item { own: 34, children: 1, walk_end: 1, ..top };
    let other = Item { walk: 2, walk_end: 2, ..an_item(source, b"by-reference", b"left where it is") };
    for item in [&child, &top, &other] {
        fill(&mut draft, source, item);
    }
    assert!(draft.store(Blob::of(FILE), FILE.len() as u64, &mut &FILE[..]).unwrap());
    draft.store_range(Blob::of(mail), mail.len() as u64, Blob::of(FILE), 34).unwrap();
    draft.store_reference(Blob::of(b"left where it is"), 16, source, b"by-reference").unwrap();
    draft.supersedes().items.insert((source, old.item_id));
    draft.supersedes().blobs.insert(Blob::of(b"taken back"));
    (0..2).for_each(|_| totals.item(State::Parsed));
    let received = FILE.len() as u64 + 16;
    (totals.bytes.received, totals.bytes.accounted, totals.bytes.read) = (received, received, received);
    writer.commit(draft, &totals, &[], NOW).unwrap();
    let root = writer.case().received(source).unwrap();
    writer.finish_source(source, &root, NOW).unwrap();
    writer.keep_digest().unwrap();
    dir
}

fn fill(draft: &mut BatchDraft, source: SourceId, item: &Item) {
    draft.item(item).unwrap();
    assert_eq!(item.source_id, source);
    let blob = item.blob.unwrap();
    facts().iter().for_each(|fact| draft.fact(&blob, fact).unwrap());
    let attachment = Attachment {
        ordinal: 0,
        part: "2".into(),
        name: Some("a.txt".into()),
        declared_type: None,
        disposition: None,
        content_id: None,
        attachment: Some(blob),
        bytes: 7,
    };
    draft.attachment(&blob, &attachment).unwrap();
}

/// The files of a case that are read, relative to it.
fn files(dir: &Path) -> Vec<PathBuf> {
    let mut all = vec![PathBuf::from("case.toml"), PathBuf::from("case.db")];
    let mut batches: Vec<_> =
        fs::read_dir(dir.join("batches")).unwrap().map(|entry| entry.unwrap().path()).collect();
    batches.sort();
    for batch in batches {
        let mut inside: Vec<_> = fs::read_dir(batch).unwrap().map(|entry| entry.unwrap().path()).collect();
        inside.sort();
        all.extend(inside.iter().map(|path| path.strip_prefix(dir).unwrap().to_owned()));
    }
    all
}

/// A copy in which one file was replaced.
fn with(dir: &Path, file: &Path, bytes: &[u8]) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    for other in files(dir) {
        let to = copy.path().join(&other);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        if other == file {
            fs::write(to, bytes).unwrap();
        } else {
            fs::copy(dir.join(&other), to).unwrap();
        }
    }
    copy
}

// ---- the bytes ----

/// Numbers that look random and are the same in every run (splitmix64).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }
}

fn mutate(bytes: &mut Vec<u8>, numbers: &mut Numbers) {
    if bytes.is_empty() {
        bytes.push(0);
    }
    // Where the structure is: a Parquet file's is at its end, others' at their beginning.
    let at = match numbers.below(3) {
        0 => numbers.below(bytes.len()),
        1 => numbers.below(bytes.len().min(120)),
        _ => bytes.len() - 1 - numbers.below(bytes.len().min(2500)),
    };
    let end = (at + 1 + numbers.below(30)).min(bytes.len());
    match numbers.below(9) {
        0 => bytes[at] ^= 1 << numbers.below(8),
        1 => bytes[at] = numbers.next() as u8,
        2 => bytes[at] = bytes[at].wrapping_add(numbers.below(9) as u8).wrapping_sub(4),
        3 => drop(bytes.drain(at..end)),
        4 => {
            let copy = bytes[at..end].to_vec();
            bytes.splice(at..at, copy);
        }
        5 => bytes.truncate(at),
        6 => {
            // What the varints and little-endian numbers of these formats make most of.
            let number = [u64::MAX, 1 << 63, 0x7fff_ffff, 0xffff_ff0f, 0x80][numbers.below(5)].to_le_bytes();
            let width = [1, 4, 8][numbers.below(3)].min(bytes.len() - at);
            bytes[at..at + width].copy_from_slice(&number[..width]);
        }
        7 => bytes[at..end].fill(0xff),
        _ => bytes[at..end].fill(0),
    }
}

#[test]
fn changed_bytes() {
    let at = tempfile::tempdir().unwrap();
    let dir = small_case(at.path());
    let case = Case::open(&dir, at.path()).unwrap();
    assert_eq!(case.verify(|_| true).problems, []);
    drop(case);
    let factor = std::env::var("TAMIS_FUZZ_ROUNDS").map_or(1, |factor| factor.parse().unwrap());
    let (mut passed, mut refused) = (0, 0);
    let failed = files(&dir).into_iter().find_map(|file| {
        let original = fs::read(dir.join(&file)).unwrap();
        (0..ROUNDS * factor).find_map(|round| {
            let mut numbers = Numbers(round);
            let mut bytes = original.clone();
            (0..1 + numbers.below(3)).for_each(|_| mutate(&mut bytes, &mut numbers));
            let copy = with(&dir, &file, &bytes);
            let what = format!("{}, round {round}", file.display());
            match catch_unwind(|| survives(copy.path(), &what)) {
                Ok(Ok(())) => passed += 1,
                Ok(Err(_)) => refused += 1,
                Err(panic) => return Some(panic.downcast::<String>().map_or(what, |words| *words)),
            }
            None
        })
    });
    assert_eq!(failed, None);
    assert!(passed > 100 && refused > 100, "{passed} opened, {refused} refused");
}

// ---- rows that lie ----

#[test]
fn rows_that_lie() {
    const MOST: u64 = u64::MAX;
    let (a, b) = (Blob::of(b"a"), Blob::of(b"b"));
    let source = SourceId(1);
    type Draft = fn(&mut BatchDraft, SourceId, Blob, Blob);
    let cases: [(&str, Draft); 10] = [
        ("numbers beyond all sums", |draft, source, a, _| {
            for n in 0..3u8 {
                let item = an_item(source, &[n], &[n]);
                let parent_id = (n > 0).then(|| ItemId::top(&[0], Some(&a)));
                let most = Item { walk: MOST, walk_end: MOST, ordinal: MOST, depth: 0, bytes: MOST, ..item };
                let most = Item { at: Some(MOST), len: Some(MOST), children: MOST, unread: MOST, ..most };
                draft.item(&Item { parent_id, own: MOST, gap: MOST, ..most }).unwrap();
            }
        }),
        ("its own parent", |draft, source, _, _| {
            let item = an_item(source, b"a", b"a");
            draft.item(&Item { parent_id: Some(item.item_id), ..item.clone() }).unwrap();
        }),
        ("the same row again", |draft, source, _, _| {
            (0..3).for_each(|_| draft.item(&an_item(source, b"a", b"a")).unwrap());
        }),
        ("a range of itself", |draft, _, a, _| draft.store_range(a, 10, a, 0).unwrap()),
        ("ranges of each other", |draft, _, a, b| {
            draft.store_range(a, MOST, b, MOST).unwrap();
            draft.store_range(b, MOST, a, MOST).unwrap();
        }),
        ("a range of nothing", |draft, _, a, b| draft.store_range(a, 10, b, 0).unwrap()),
        ("a range beyond its content", |draft, _, a, b| {
            assert!(draft.store(b, 1, &mut b"b".as_slice()).unwrap());
            draft.store_range(a, MOST, b, MOST).unwrap();
        }),
        ("more than there is", |draft, _, a, b| {
            assert!(draft.store(b, MOST, &mut b"b".as_slice()).unwrap());
            draft.store_range(a, MOST, b, 0).unwrap();
        }),
        ("a source that is not there", |draft, _, a, _| {
            draft.store_reference(a, MOST, SourceId(u32::MAX), b"x").unwrap();
        }),
        ("a file that is not there", |draft, source, a, _| {
            draft.store_reference(a, MOST, source, b"none\0such").unwrap();
        }),
    ];
    for (what, fill) in cases {
        let at = tempfile::tempdir().unwrap();
        let dump = at.path().join("dump");
        fs::create_dir(&dump).unwrap();
        let dir = at.path().join("case");
        let mut writer = Writer::open(&dir, Options::default(), NOW).unwrap();
        assert_eq!(writer.source(&dump, MOST >> 1, MOST >> 1, NOW).unwrap(), source);
        let mut draft = writer.draft().unwrap();
        // So that the vault is asked for them.
        for (name, blob) in [(b"a", a), (b"b", b)] {
            draft.item(&Item { blob: Some(blob), ..an_item(source, name, b"") }).unwrap();
        }
        fill(&mut draft, source, a, b);
        let mut totals = Totals { messages: MOST, first: Some(i64::MIN), ..Totals::default() };
        totals.items.insert("parsed".into(), MOST);
        totals.items.insert("failed".into(), MOST);
        (totals.bytes.read, totals.bytes.unread, totals.bytes.accounted) = (MOST, MOST, MOST);
        writer.commit(draft, &totals, &[], NOW).unwrap();
        drop(writer);
        survives(&dir, what).unwrap();
        let case = Case::open(&dir, at.path()).unwrap();
        assert_ne!(case.verify(|_| true).problems, [], "{what}");
        let _ = case.totals().all_items();
    }
}

// ---- tables that are not ours ----

/// Every column of every table once missing, once of another type, once full of nulls, once twice.
#[test]
fn tables_that_are_not_ours() {
    let at = tempfile::tempdir().unwrap();
    let dir = small_case(at.path());
    let batch = files(&dir).last().unwrap().parent().unwrap().to_owned();
    let mut tried = 0;
    for table in Table::all() {
        let file = batch.join(format!("{}.parquet", table.name));
        let rows = read(&dir.join(&file));
        assert!(rows.num_rows() > 0, "{}", table.name);
        for column in 0..rows.num_columns() {
            for (n, bad) in bad_tables(&rows, column).into_iter().enumerate() {
                let mut bytes = Vec::new();
                let mut writer = ArrowWriter::try_new(&mut bytes, bad.schema(), None).unwrap();
                writer.write(&bad).unwrap();
                writer.close().unwrap();
                let copy = with(&dir, &file, &bytes);
                let _ = survives(copy.path(), &format!("{}, column {column}, {n}", table.name));
                tried += 1;
            }
        }
    }
    assert!(tried > 200, "{tried}");
}

fn read(path: &Path) -> RecordBatch {
    let builder = ParquetRecordBatchReaderBuilder::try_new(fs::File::open(path).unwrap()).unwrap();
    builder.build().unwrap().next().unwrap().unwrap()
}

fn bad_tables(rows: &RecordBatch, column: usize) -> Vec<RecordBatch> {
    let len = rows.num_rows();
    let field = rows.schema().field(column).clone();
    let others: [ArrayRef; 4] = [
        Arc::new(Int64Array::from(vec![i64::MIN; len])),
        Arc::new(LargeStringArray::from(vec!["not of ours"; len])),
        Arc::new(NullArray::new(len)),
        new_null_array(field.data_type(), len),
    ];
    let table = |columns: Vec<(Field, ArrayRef)>| {
        let (fields, arrays): (Vec<_>, Vec<_>) = columns.into_iter().unzip();
        RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).ok()
    };
    let all = || -> Vec<(Field, ArrayRef)> {
        let fields = rows.schema().fields().iter().map(|field| field.as_ref().clone()).collect::<Vec<_>>();
        fields.into_iter().zip(rows.columns().to_vec()).collect()
    };
    let without = {
        let mut columns = all();
        columns.remove(column);
        table(columns)
    };
    let twice = {
        let mut columns = all();
        columns.push(columns[column].clone());
        table(columns)
    };
    let replaced = others.into_iter().map(|array| {
        let mut columns = all();
        columns[column] = (Field::new(field.name(), array.data_type().clone(), true), array);
        table(columns)
    });
    [without, twice].into_iter().chain(replaced).flatten().collect()
}

// ---- a database that is a program ----

/// What SQL can say beside rows: each statement is run on the database of a case that is then opened.
#[test]
fn databases_that_compute() {
    let endless = "WITH RECURSIVE endless(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM endless)";
    let cases = [
        ("an endless commit log", format!(
            "DROP TABLE commits; CREATE VIEW commits AS {endless} \
             SELECT n, '000001-0' AS name, 0 AS supersedes, '{{}}' AS totals FROM endless")),
        ("endless sources", format!(
            "DROP TABLE sources; CREATE VIEW sources AS {endless} SELECT n % 9 AS source_id, x'61' AS path, 1 AS files, \
             1 AS bytes, NULL AS received, 0 AS finished FROM endless")),
        ("a large computed value",
            "DROP TABLE commits; CREATE TABLE commits (n INTEGER PRIMARY KEY, name TEXT, supersedes INTEGER, \
             totals TEXT AS (printf('%.*c', 900000000, 'x'))); INSERT INTO commits VALUES (1, 'x', 0)".to_owned()),
        ("a batch elsewhere", "UPDATE commits SET name = '../../..'".to_owned()),
        ("a batch above", "UPDATE commits SET name = '..'".to_owned()),
        ("numbers that are none", "UPDATE commits SET n = -n".to_owned()),
        ("no tables", "DROP TABLE commits; DROP TABLE sources; DROP TABLE audit; DROP TABLE memo".to_owned()),
        ("sums that are none", "UPDATE commits SET totals = '{\"items\":{\"parsed\":-1}}'".to_owned()),
        ("a long audit", "UPDATE audit SET detail = printf('%.*c', 1000000, 'x')".to_owned()),
    ];
    for (what, statements) in cases {
        let at = tempfile::tempdir().unwrap();
        let dir = small_case(at.path());
        let db = rusqlite::Connection::open(dir.join("case.db")).unwrap();
        db.execute_batch(&statements).unwrap();
        drop(db);
        let _ = survives(&dir, what);
    }
}

/// What stands by reference is a file below its source, or nothing: no device that never ends, no pipe that
/// waits, nothing of the reader's own.
#[test]
fn references_that_lead_elsewhere() {
    for (what, root, raw) in [
        ("endless device", "/dev", b"zero".as_slice()),
        ("absolute", "dump", b"/etc/passwd"),
        ("above", "dump", b"../secret"),
        ("pipe", "dump", b"pipe"),
        ("link", "dump", b"link"),
        ("folder", "dump", b"."),
        ("single device", "/dev/zero", b"x"),
    ] {
        let at = tempfile::tempdir().unwrap();
        let dump = at.path().join("dump");
        fs::create_dir(&dump).unwrap();
        fs::write(at.path().join("secret"), b"secret").unwrap();
        std::os::unix::fs::symlink("../secret", dump.join("link")).unwrap();
        assert!(std::process::Command::new("mkfifo").arg(dump.join("pipe")).status().unwrap().success());
        let dir = at.path().join("case");
        let mut writer = Writer::open(&dir, Options::default(), NOW).unwrap();
        let root = if root == "dump" { dump } else { PathBuf::from(root) };
        let source = writer.source(&root, 2, 2, NOW).unwrap();
        let mut draft = writer.draft().unwrap();
        let blob = Blob::of(b"secret");
        draft.store_reference(blob, u64::MAX, source, raw).unwrap();
        draft.item(&Item { blob: Some(blob), ..an_item(source, b"a", b"secret") }).unwrap();
        writer.commit(draft, &Totals::default(), &[], NOW).unwrap();
        drop(writer);
        survives(&dir, what).unwrap();
        let case = Case::open(&dir, at.path()).unwrap();
        assert!(case.vault().unwrap().open(&blob).is_err(), "{what}: handed out");
    }
}
