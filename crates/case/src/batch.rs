//! One batch: written in `tmp/`, then made durable and named by the commit log, and never changed.

use std::{
    collections::BTreeSet,
    fs,
    io::Read,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tamis_model::{
    Blob, ItemId, SourceId,
    ids::hex,
    tables::{
        Attachment, BlobPlace, Defect, Digest as DigestRow, Fact, Facts, Header, Item, Message,
        PartSignature, Row, Rows, Signature, Text,
    },
};

use crate::{
    CaseError,
    files::{self, Written},
    tables::TableFile,
    vault::PackWriter,
};

/// What later batches take the place of. Rows about it in *earlier* batches are not seen any more.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hidden {
    /// Content whose facts were read again.
    pub blobs: BTreeSet<Blob>,
    /// Occurrences that were listed again, with all their descendants.
    pub items: BTreeSet<(SourceId, ItemId)>,
}

impl Hidden {
    /// Whether nothing is hidden.
    pub fn is_empty(&self) -> bool {
        self.blobs.is_empty() && self.items.is_empty()
    }
}

/// A committed batch.
#[derive(Debug, Clone)]
pub struct Batch {
    /// Number, from 1.
    pub n: u64,
    /// Its folder.
    pub dir: PathBuf,
    /// What it takes the place of in earlier batches.
    pub supersedes: Hidden,
}

/// `manifest.json`: what the batch consists of. The folder is named after its hash.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Manifest {
    pub(crate) format: u32,
    pub(crate) n: u64,
    pub(crate) files: Vec<ManifestFile>,
    pub(crate) supersedes: HiddenText,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ManifestFile {
    pub(crate) name: String,
    pub(crate) bytes: u64,
    pub(crate) sha256: String,
    /// Rows of a table; null for the pack.
    pub(crate) rows: Option<u64>,
}

/// [`Hidden`] in lower-hex text.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct HiddenText {
    blobs: Vec<String>,
    items: Vec<(u32, String)>,
}

impl HiddenText {
    fn of(hidden: &Hidden) -> HiddenText {
        HiddenText {
            blobs: hidden.blobs.iter().map(Blob::to_string).collect(),
            items: hidden.items.iter().map(|(source, item)| (source.0, item.to_string())).collect(),
        }
    }

    pub(crate) fn parse(&self) -> Option<Hidden> {
        Some(Hidden {
            blobs: self.blobs.iter().map(|text| text.parse().ok()).collect::<Option<_>>()?,
            items: self
                .items
                .iter()
                .map(|(source, item)| Some((SourceId(*source), item.parse().ok()?)))
                .collect::<Option<_>>()?,
        })
    }
}

/// Longest manifest that is read: a case may come from a stranger.
const MANIFEST_BYTES: u64 = 256 << 20;

impl Manifest {
    /// Reads the manifest of a batch folder; also its hash.
    pub(crate) fn read(dir: &Path) -> Result<(Manifest, [u8; 32]), CaseError> {
        let path = dir.join("manifest.json");
        let file = fs::File::open(&path).map_err(CaseError::io("open", &path))?;
        let mut bytes = Vec::new();
        file.take(MANIFEST_BYTES).read_to_end(&mut bytes).map_err(CaseError::io("read", &path))?;
        let damaged =
            |error: serde_json::Error| CaseError::Damaged { path: path.clone(), because: error.to_string() };
        Ok((serde_json::from_slice(&bytes).map_err(damaged)?, Sha256::digest(&bytes).into()))
    }
}

/// The folder name of a batch with this number and manifest hash.
pub(crate) fn folder_name(n: u64, manifest: &[u8; 32]) -> String {
    let mut digest = hex(manifest);
    digest.truncate(16);
    format!("{n:06}-{digest}")
}

/// Whether a name is one that [`folder_name`] gives: none that leads elsewhere is.
pub(crate) fn is_folder_name(name: &str) -> bool {
    name.split_once('-').is_some_and(|(n, digest)| {
        let hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        n.len() >= 6 && n.bytes().all(|b| b.is_ascii_digit()) && digest.len() == 16 && digest.bytes().all(hex)
    })
}

/// A batch in the making, below `tmp/`.
pub struct BatchDraft {
    n: u64,
    dir: PathBuf,
    items: TableFile<Rows<Item>>,
    blobs: TableFile<Rows<BlobPlace>>,
    messages: TableFile<Facts<Message>>,
    headers: TableFile<Facts<Header>>,
    texts: TableFile<Facts<Text>>,
    defects: TableFile<Facts<Defect>>,
    attachments: TableFile<Facts<Attachment>>,
    signatures: TableFile<Facts<Signature>>,
    digests: TableFile<Facts<DigestRow>>,
    part_signatures: TableFile<Facts<PartSignature>>,
    pack: PackWriter,
    supersedes: Hidden,
}

impl BatchDraft {
    pub(crate) fn create(tmp: &Path, n: u64) -> Result<BatchDraft, CaseError> {
        let dir = tmp.join(format!("batch-{n:06}"));
        fs::create_dir(&dir).map_err(CaseError::io("create", &dir))?;
        Ok(BatchDraft {
            n,
            items: TableFile::create(&dir, Item::TABLE)?,
            blobs: TableFile::create(&dir, BlobPlace::TABLE)?,
            messages: TableFile::create(&dir, Message::TABLE)?,
            headers: TableFile::create(&dir, Header::TABLE)?,
            texts: TableFile::create(&dir, Text::TABLE)?,
            defects: TableFile::create(&dir, Defect::TABLE)?,
            attachments: TableFile::create(&dir, Attachment::TABLE)?,
            signatures: TableFile::create(&dir, Signature::TABLE)?,
            digests: TableFile::create(&dir, DigestRow::TABLE)?,
            part_signatures: TableFile::create(&dir, PartSignature::TABLE)?,
            pack: PackWriter::create(&dir)?,
            supersedes: Hidden::default(),
            dir,
        })
    }

    /// Its number.
    pub fn n(&self) -> u64 {
        self.n
    }

    /// Appends an item.
    pub fn item(&mut self, item: &Item) -> Result<(), CaseError> {
        self.items.push(256, |rows| rows.push(item))
    }

    /// Appends a fact about `blob`.
    pub fn fact(&mut self, blob: &Blob, fact: &Fact) -> Result<(), CaseError> {
        match fact {
            Fact::Message(row) => self.messages.push(1024, |facts| facts.push(blob, row.as_ref())),
            Fact::Header(row) => self.headers.push(96 + 2 * row.value.len(), |facts| facts.push(blob, row)),
            Fact::Text(row) => self.texts.push(96 + row.text.len(), |facts| facts.push(blob, row)),
            Fact::Defect(row) => self.defects.push(256, |facts| facts.push(blob, row)),
            Fact::Signature(row) => self.signatures.push(1024, |facts| facts.push(blob, row.as_ref())),
            Fact::Digest(row) => self.digests.push(256, |facts| facts.push(blob, row)),
            Fact::PartSignature(row) => {
                self.part_signatures.push(1024, |facts| facts.push(blob, row.as_ref()))
            }
        }
    }

    /// Appends an attachment of the mail `blob`.
    pub fn attachment(&mut self, blob: &Blob, row: &Attachment) -> Result<(), CaseError> {
        self.attachments.push(256, |facts| facts.push(blob, row))
    }

    /// Stores content that the caller holds in memory, and has hashed, in the pack.
    pub fn store_bytes(&mut self, blob: Blob, bytes: &[u8]) -> Result<(), CaseError> {
        let (at, skip) = self.pack.add_bytes(bytes)?;
        let (place, bytes) = ("pack".to_owned(), bytes.len() as u64);
        self.place(&BlobPlace { blob, bytes, place, of: None, at, skip, source_id: None, path_raw: None })
    }

    /// Stores content in the pack. `false`, and the vault does not hold it, if it is not what it was when
    /// the caller hashed it: a file that changes while it is read.
    pub fn store(&mut self, blob: Blob, bytes: u64, content: &mut dyn Read) -> Result<bool, CaseError> {
        let (at, skip, found) = self.pack.add(content)?;
        if found != blob {
            return Ok(false);
        }
        let place = "pack".to_owned();
        self.place(&BlobPlace { blob, bytes, place, of: None, at, skip, source_id: None, path_raw: None })?;
        Ok(true)
    }

    /// Notes that content is the range at `at` of other content of this case.
    pub fn store_range(&mut self, blob: Blob, bytes: u64, of: Blob, at: u64) -> Result<(), CaseError> {
        let place = "range".to_owned();
        self.place(&BlobPlace {
            blob,
            bytes,
            place,
            of: Some(of),
            at,
            skip: 0,
            source_id: None,
            path_raw: None,
        })
    }

    /// Notes that content is a file of the source.
    pub fn store_reference(
        &mut self,
        blob: Blob,
        bytes: u64,
        source: SourceId,
        path: &[u8],
    ) -> Result<(), CaseError> {
        let (place, source_id, path_raw) = ("source".to_owned(), Some(source), Some(path.to_owned()));
        self.place(&BlobPlace { blob, bytes, place, of: None, at: 0, skip: 0, source_id, path_raw })
    }

    fn place(&mut self, place: &BlobPlace) -> Result<(), CaseError> {
        self.blobs.push(128, |rows| rows.push(place))
    }

    /// What this batch takes the place of.
    pub fn supersedes(&mut self) -> &mut Hidden {
        &mut self.supersedes
    }

    /// Finishes and syncs all files, writes the manifest, and moves the folder to `batches`, where it
    /// does not exist yet for anybody: that takes the commit log's transaction.
    ///
    /// The order is the recipe: files, each synced; the folder, synced; rename; `batches/`, synced.
    pub(crate) fn seal(self, batches: &Path) -> Result<Batch, CaseError> {
        let mut files = Vec::new();
        let mut table = |name: &str, finished: Result<(u64, Written), CaseError>| -> Result<(), CaseError> {
            let (rows, written) = finished?;
            files.push(ManifestFile::new(format!("{name}.parquet"), Some(rows), written));
            Ok(())
        };
        table(Item::TABLE, self.items.finish())?;
        table(BlobPlace::TABLE, self.blobs.finish())?;
        table(Message::TABLE, self.messages.finish())?;
        table(Header::TABLE, self.headers.finish())?;
        table(Text::TABLE, self.texts.finish())?;
        table(Defect::TABLE, self.defects.finish())?;
        table(Attachment::TABLE, self.attachments.finish())?;
        table(Signature::TABLE, self.signatures.finish())?;
        table(DigestRow::TABLE, self.digests.finish())?;
        table(PartSignature::TABLE, self.part_signatures.finish())?;
        files.push(ManifestFile::new("vault.pack".to_owned(), None, self.pack.finish()?));

        let supersedes = HiddenText::of(&self.supersedes);
        let manifest = Manifest { format: crate::FORMAT, n: self.n, files, supersedes };
        let path = self.dir.join("manifest.json");
        let text = serde_json::to_vec_pretty(&manifest)
            .map_err(|error| CaseError::io("write", &path)(error.into()))?;
        files::replace(&path, &text)?;
        files::sync_dir(&self.dir)?;

        let dir = batches.join(folder_name(self.n, &Sha256::digest(&text).into()));
        if dir.exists() {
            // Left by a run that died between rename and transaction: the same name means the same bytes.
            fs::remove_dir_all(&dir).map_err(CaseError::io("remove", &dir))?;
        }
        fs::rename(&self.dir, &dir).map_err(CaseError::io("rename", &self.dir))?;
        files::sync_dir(batches)?;
        Ok(Batch { n: self.n, dir, supersedes: self.supersedes })
    }
}

impl ManifestFile {
    fn new(name: String, rows: Option<u64>, written: Written) -> ManifestFile {
        ManifestFile { name, bytes: written.bytes, sha256: hex(&written.sha256), rows }
    }
}
