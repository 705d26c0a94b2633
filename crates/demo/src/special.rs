//! The files of the mixed layout that are no mail: documents with planted words, and what hostile or
//! damaged dumps hold: unknown, encrypted, truncated and empty files, a link, odd names, deep folders.

use std::{
    ffi::OsStr,
    io::{Cursor, Write},
    os::unix::{ffi::OsStrExt, fs::symlink},
    path::Path,
};

use tamis_model::{
    Reason, State,
    names::{Step, escape},
};
use zip::{AesSalt, ZipWriter};

use crate::{
    DemoError,
    files::{self, Content, Document, Kind},
    prose::{Lang, Prose, planted},
    rng::Rng,
    store::write_file,
    truth::{Expected, Place, Planted, Tally, expect},
};

/// What the special files add to the truth.
#[derive(Default)]
pub(crate) struct Special {
    pub(crate) planted: Vec<Planted>,
    pub(crate) absent: Vec<String>,
    pub(crate) ledger: Vec<Expected>,
}

/// Writes all special files; planted words are numbered from `first_word`.
pub(crate) fn write(
    root: &Path,
    seed: u64,
    prose: &Prose,
    first_word: usize,
    tally: &mut Tally,
) -> Result<Special, DemoError> {
    let rng = Rng::new(seed, "special", 0);
    let mut files = Files { root, prose, rng, tally, word: first_word, out: Special::default() };
    files.documents()?;
    files.archives()?;
    files.unreadable()?;
    files.names()?;
    files.link()?;
    Ok(files.out)
}

struct Files<'a> {
    root: &'a Path,
    prose: &'a Prose,
    rng: Rng,
    tally: &'a mut Tally,
    word: usize,
    out: Special,
}

impl Files<'_> {
    fn documents(&mut self) -> Result<(), DemoError> {
        for (place, kind, path) in [
            (Place::FileText, Kind::Text, "documents/notice.txt"),
            (Place::FileHtml, Kind::Html, "documents/page.html"),
            (Place::FileGzip, Kind::Gzip, "documents/journal.txt.gz"),
        ] {
            let word = self.next_word();
            let document = self.document(kind, Some(&word))?;
            self.put(path.as_bytes(), &document.bytes)?;
            self.plant(place, word, path.to_owned());
        }
        for kind in [Kind::Pdf, Kind::Docx, Kind::Xlsx, Kind::Csv, Kind::Png, Kind::Vcf, Kind::Ics] {
            let document = self.document(kind, None)?;
            self.put(format!("documents/divers/{}", document.name).as_bytes(), &document.bytes)?;
        }
        Ok(())
    }

    fn archives(&mut self) -> Result<(), DemoError> {
        let (outer_word, inner_word) = (self.next_word(), self.next_word());
        let outer = self.document(Kind::Text, Some(&outer_word))?;
        let inner = self.document(Kind::Text, Some(&inner_word))?;
        let plain = self.document(Kind::Csv, None)?;
        let inner_zip = files::archive(&[("fond/note.txt".to_owned(), inner.bytes, true)])?;
        let member = "Pièces/été/compte rendu.txt";
        let path = "archives/dossier.zip";
        let zip = files::archive(&[
            ("Pièces/".to_owned(), Vec::new(), false),
            ("Pièces/été/".to_owned(), Vec::new(), false),
            (member.to_owned(), outer.bytes, true),
            ("Pièces/liste.csv".to_owned(), plain.bytes, false),
            ("Pièces/vide.txt".to_owned(), Vec::new(), false),
            ("interne.zip".to_owned(), inner_zip, false),
        ])?;
        self.put(path.as_bytes(), &zip)?;
        self.plant(Place::FileZipMember, outer_word, Step::Named(member.as_bytes()).below(path));
        self.plant(Place::FileZipInZip, inner_word, Step::Named(b"interne.zip").below(path));

        let path = "archives/confidentiel.zip";
        let word = self.next_word();
        let secret = self.document(Kind::Text, Some(&word))?;
        let zip = self.encrypted_zip(&secret.bytes)?;
        self.put(path.as_bytes(), &zip)?;
        self.out.absent.push(word);
        let member = Step::Named(b"secret.txt").below(path);
        self.expect(member, "a zip member encrypted with AES-256", &[State::Encrypted], &[]);
        self.expect(
            Step::Named(b"lisez-moi.txt").below(path),
            "a plain member beside an encrypted one",
            &[State::Parsed],
            &[],
        );
        Ok(())
    }

    /// An archive with one plain and one encrypted member; the salt is fixed by the seed.
    fn encrypted_zip(&mut self, secret: &[u8]) -> Result<Vec<u8>, DemoError> {
        let mut salt = [0; 16];
        self.rng.fill(&mut salt);
        let password = self.rng.hex(24);
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        zip.start_file("lisez-moi.txt", files::zip_options(true)).map_err(DemoError::zip)?;
        zip.write_all("Le mot de passe suit par téléphone.\n".as_bytes()).map_err(DemoError::pack)?;
        let options =
            files::zip_options(true).with_aes_encryption_and_salt(password.as_bytes(), AesSalt::Aes256(salt));
        zip.start_file("secret.txt", options).map_err(DemoError::zip)?;
        zip.write_all(secret).map_err(DemoError::pack)?;
        Ok(zip.finish().map_err(DemoError::zip)?.into_inner())
    }

    fn unreadable(&mut self) -> Result<(), DemoError> {
        let mut noise = vec![0; 20_000];
        self.rng.fill(&mut noise);
        // No known signature may begin the noise by chance.
        let unknown = [b"EAD\x02SAUV\x00\x01".as_slice(), &noise].concat();
        self.put(b"documents/sauvegarde.bin", &unknown)?;
        self.expect(
            "documents/sauvegarde.bin".to_owned(),
            "bytes of no known format",
            &[State::Opaque],
            &[Reason::UnknownType],
        );

        let text = self.prose.text(&mut self.rng, Lang::Fr, 3, 30_000);
        let packed = files::gzip("tronque.txt", text.as_bytes())?;
        let half = packed.get(..packed.len() / 2).unwrap_or_default();
        self.put(b"documents/tronque.txt.gz", half)?;
        let reasons = [Reason::Truncated, Reason::Damaged, Reason::Corrupt];
        self.expect(
            "documents/tronque.txt.gz".to_owned(),
            "the first half of a gzip file",
            &[State::Partial, State::Failed],
            &reasons,
        );

        let document = self.document(Kind::Zip, None)?;
        let cut = document.bytes.get(..document.bytes.len() * 2 / 3).unwrap_or_default();
        self.put(b"archives/coupe.zip", cut)?;
        self.expect(
            "archives/coupe.zip".to_owned(),
            "two thirds of a zip: the central directory is missing",
            &[State::Partial, State::Failed],
            &reasons,
        );

        let mut zip = files::archive(&[("note.txt".to_owned(), text.as_bytes().to_vec(), false)])?;
        let middle = zip.len() / 2;
        zip.iter_mut().skip(middle).take(1).for_each(|byte| *byte ^= 1);
        self.put(b"archives/altere.zip", &zip)?;
        self.expect(
            "archives/altere.zip".to_owned(),
            "a zip with a stored member of which one bit differs from its checksum",
            &[State::Partial, State::Failed],
            &[Reason::Checksum, Reason::Damaged],
        );

        self.put(b"documents/vide.txt", b"")?;
        self.expect(
            "documents/vide.txt".to_owned(),
            "an empty file",
            &[State::Parsed, State::Opaque],
            &[Reason::UnknownType],
        );
        Ok(())
    }

    fn names(&mut self) -> Result<(), DemoError> {
        let deep: String = (1..=40).map(|depth| format!("n{depth}/")).collect();
        let deep = format!("profond/{deep}fond.txt");
        let names: [(&[u8], &str); 7] = [
            (b"documents/rapport\xE9t\xE9.txt", "a name in ISO-8859-1, not UTF-8"),
            (b"documents/\x1B[31mrouge\x1B[0m.txt", "a name with terminal escapes"),
            (b"documents/deux\nlignes.txt", "a name with a line break"),
            ("documents/facture\u{202E}txt.exe.txt".as_bytes(), "a name with a right-to-left override"),
            (b"documents/100%!#'\"; --.txt", "a name with the marks of paths, shells and SQL"),
            ("documents/e\u{301}te\u{301}.txt".as_bytes(), "a name in decomposed Unicode"),
            (deep.as_bytes(), "a file forty folders deep"),
        ];
        for (name, what) in names {
            let text = self.prose.text(&mut self.rng, Lang::Fr, name.len(), 600);
            self.put(name, text.as_bytes())?;
            self.expect(escape(name), what, &[State::Parsed], &[]);
        }
        Ok(())
    }

    fn link(&mut self) -> Result<(), DemoError> {
        let path = self.root.join("documents/lien.txt");
        symlink("notice.txt", &path).map_err(|error| DemoError::write(&path, error))?;
        self.tally.file(0);
        self.expect("documents/lien.txt".to_owned(), "a symbolic link", &[State::Refused], &[Reason::Link]);
        Ok(())
    }

    fn document(&mut self, kind: Kind, word: Option<&str>) -> Result<Document, DemoError> {
        files::make(kind, &mut self.rng, self.prose, Content { word, stem: None })
    }

    fn put(&mut self, path: &[u8], bytes: &[u8]) -> Result<(), DemoError> {
        write_file(self.root, OsStr::from_bytes(path), bytes, self.tally)
    }

    fn next_word(&mut self) -> String {
        self.word += 1;
        planted(self.word - 1, false)
    }

    fn plant(&mut self, place: Place, text: String, path: String) {
        self.out.planted.push(Planted { text, place, items: 1, paths: vec![path] });
    }

    fn expect(&mut self, path: String, what: &str, states: &[State], reasons: &[Reason]) {
        self.out.ledger.push(expect(path, what, states, reasons));
    }
}
