//! Documents that hang on mails and lie in folders, made byte by byte or with the archive crates: text,
//! CSV, HTML, PDF, PNG, OOXML, zip, gzip, iCalendar, vCard. Each is a function of its number, so that
//! the same attachment can be written again for the next mail without being kept.

use std::io::{Cursor, Write};

use flate2::{Compression, GzBuilder, write::ZlibEncoder};
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

use crate::{
    DemoError, clock,
    mail::{Charset, encode},
    prose::{Lang, Prose},
    rng::Rng,
};

/// A document.
#[derive(Debug, Clone)]
pub(crate) struct Document {
    /// Media type, as mail programs declare it.
    pub(crate) media_type: &'static str,
    /// File name.
    pub(crate) name: String,
    /// Content.
    pub(crate) bytes: Vec<u8>,
}

/// The kinds of documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Kind {
    Pdf,
    Png,
    Docx,
    Xlsx,
    #[default]
    Text,
    Csv,
    Html,
    Zip,
    Gzip,
    Ics,
    Vcf,
}

/// What is inside a document beside what its number decides.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Content<'a> {
    /// A word to plant.
    pub(crate) word: Option<&'a str>,
    /// A stem for the name instead of a drawn one.
    pub(crate) stem: Option<&'a str>,
}

/// The `n`-th document of a dump.
pub(crate) fn nth(seed: u64, n: u64, prose: &Prose) -> Result<Document, DemoError> {
    let mut rng = Rng::new(seed, "document", n);
    let kind = rng.weighted(
        Kind::Pdf,
        &[
            (Kind::Png, 15),
            (Kind::Docx, 17),
            (Kind::Xlsx, 10),
            (Kind::Text, 4),
            (Kind::Csv, 5),
            (Kind::Html, 2),
            (Kind::Zip, 4),
            (Kind::Gzip, 2),
            (Kind::Ics, 3),
            (Kind::Vcf, 4),
        ],
        34,
    );
    make(kind, &mut rng, prose, Content::default())
}

/// A document of a kind.
pub(crate) fn make(
    kind: Kind,
    rng: &mut Rng,
    prose: &Prose,
    content: Content,
) -> Result<Document, DemoError> {
    let lang = if rng.percent(80) { Lang::Fr } else { Lang::En };
    let topic = rng.below(400);
    let stem = match content.stem {
        Some(stem) => stem.to_owned(),
        None => stem_of_name(rng, prose, lang, topic),
    };
    let text = |rng: &mut Rng, bytes: usize| {
        let text = prose.text(rng, lang, topic, bytes);
        match content.word {
            // The planted word stands in the middle of the text, as a word of its own sentence.
            Some(word) => {
                let at = text.char_indices().map(|(i, _)| i).find(|i| *i >= text.len() / 2).unwrap_or(0);
                let (head, tail) = text.split_at(at);
                let (line, rest) = tail.split_once('\n').unwrap_or((tail, ""));
                format!("{head}{line}\nNote : {word} .\n{rest}")
            }
            None => text,
        }
    };
    let title = prose.subject(rng, lang, topic);
    let (media_type, extension, bytes) = match kind {
        Kind::Pdf => {
            let text = {
                let bytes = size(rng, 1_500, 9_000);
                text(rng, bytes)
            };
            let picture = if rng.percent(70) { size(rng, 8_000, 106_000) } else { 0 };
            ("application/pdf", "pdf", pdf(rng, &title, &text, picture)?)
        }
        Kind::Png => {
            let bytes = size(rng, 3_000, 90_000);
            ("image/png", "png", png(rng, bytes)?)
        }
        Kind::Docx => {
            let text = {
                let bytes = size(rng, 2_000, 16_000);
                text(rng, bytes)
            };
            let picture = if rng.percent(45) { size(rng, 8_000, 80_000) } else { 0 };
            let author = format!("{} {}", rng.pick(crate::people::FIRST_NAMES), prose.surname(rng));
            let media = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
            (media, "docx", docx(rng, &title, &author, &text, picture)?)
        }
        Kind::Xlsx => {
            let rows = rng.between(20, 600);
            let media = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
            (media, "xlsx", xlsx(rng, prose, lang, rows, content.word)?)
        }
        Kind::Text => {
            let bytes = size(rng, 400, 12_000);
            ("text/plain", "txt", text(rng, bytes).into_bytes())
        }
        Kind::Csv => {
            let rows = rng.between(20, 400);
            ("text/csv", "csv", encode(&csv(rng, prose, lang, rows, content.word), Charset::Latin1))
        }
        Kind::Html => {
            let text = {
                let bytes = size(rng, 1_000, 8_000);
                text(rng, bytes)
            };
            ("text/html", "html", html(&title, &text).into_bytes())
        }
        Kind::Zip => {
            let members = rng.between(2, 6);
            let mut list = Vec::new();
            for i in 0..members {
                let name = format!(
                    "{}/{:02} {}.txt",
                    prose.noun(rng, lang, topic),
                    i + 1,
                    prose.noun(rng, lang, topic)
                );
                let words = if i == 0 { content.word } else { None };
                let bytes = size(rng, 1_000, 14_000);
                let body = prose.text(rng, lang, topic, bytes);
                let body = words.map_or(body.clone(), |word| format!("{body}Note : {word} .\n"));
                list.push((name, body.into_bytes(), i % 2 == 0));
            }
            let picture = size(rng, 3_000, 30_000);
            list.push(("image.png".to_owned(), png(rng, picture)?, false));
            ("application/zip", "zip", archive(&list)?)
        }
        Kind::Gzip => {
            let text = {
                let bytes = size(rng, 6_000, 40_000);
                text(rng, bytes)
            };
            (
                "application/gzip",
                "txt.gz",
                gzip(&format!("{}.txt", crate::people::fold(&stem)), text.as_bytes())?,
            )
        }
        Kind::Ics => {
            let at = clock::instant(rng.below(1_000) as u64, 1_000, rng);
            ("text/calendar", "ics", ics(rng, prose, at, &title, content.word, "PUBLISH").into_bytes())
        }
        Kind::Vcf => ("text/vcard", "vcf", vcf(rng, prose, content.word).into_bytes()),
    };
    Ok(Document { media_type, name: format!("{stem}.{extension}"), bytes })
}

/// A size between two bounds, small ones more often.
fn size(rng: &mut Rng, low: usize, high: usize) -> usize {
    let (a, b) = (rng.between(low, high), rng.between(low, high));
    a.min(b)
}

fn stem_of_name(rng: &mut Rng, prose: &Prose, lang: Lang, topic: usize) -> String {
    let noun = prose.noun(rng, lang, topic).to_owned();
    match rng.below(6) {
        0 => format!("{noun}_{}", rng.between(1, 40)),
        1 => format!("{}{:02}{:02} {noun}", rng.between(2023, 2025), rng.between(1, 12), rng.between(1, 28)),
        2 => format!("{noun} V{}", rng.between(2, 9)),
        3 => format!("{noun} {}", prose.town(rng)),
        4 => format!("{noun} et {}", prose.noun(rng, lang, topic)),
        _ => format!("IMG_{:04}", rng.below(10_000)),
    }
}

/// A PDF 1.4 with one page for each 45 lines, Helvetica in WinAnsiEncoding (windows-1252), compressed
/// page contents and, where `picture` is not 0, a grey picture of about so many bytes.
fn pdf(rng: &mut Rng, title: &str, text: &str, picture: usize) -> Result<Vec<u8>, DemoError> {
    let wrapped = crate::mail::wrap(text, 88);
    let lines: Vec<&str> = wrapped.lines().collect();
    let pages: Vec<&[&str]> = lines.chunks(45).collect();
    let mut file = PdfFile::new();
    let first_page = 6;
    let kids: Vec<String> = (0..pages.len()).map(|i| format!("{} 0 R", first_page + 2 * i)).collect();
    file.object("<< /Type /Catalog /Pages 2 0 R >>".as_bytes());
    file.object(format!("<< /Type /Pages /Kids [{}] /Count {} >>", kids.join(" "), kids.len()).as_bytes());
    file.object(b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>");
    let made = clock::icalendar(clock::instant(rng.below(1_000) as u64, 1_000, rng)).replace('T', "");
    let mut info = b"<< /Title (".to_vec();
    info.extend(pdf_string(title));
    let producer: &str =
        rng.pick(&["LibreOffice 7.4", "Microsoft: Print To PDF", "pdfTeX-1.40.25", "Skia/PDF m120"]);
    info.extend(format!(") /Producer ({producer}) /CreationDate (D:{made}) >>").bytes());
    file.object(&info);
    let side = integer_root(picture * 5 / 4).max(1);
    let mut pixels = vec![0; side * side];
    rng.fill(&mut pixels);
    // Six noisy bits a pixel, as a scan has: it shrinks a little, not to nothing.
    pixels.iter_mut().for_each(|pixel| *pixel &= 0x3F);
    let head = format!(
        "/Type /XObject /Subtype /Image /Width {side} /Height {side} /ColorSpace /DeviceGray /BitsPerComponent 8"
    );
    file.stream(&head, &pixels)?;
    for (i, page) in pages.iter().enumerate() {
        let contents = first_page + 2 * i + 1;
        file.object(
            format!(
                "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents {contents} 0 R \
                 /Resources << /Font << /F1 3 0 R >> /XObject << /Im1 5 0 R >> >> >>"
            )
            .as_bytes(),
        );
        let mut drawing = b"BT /F1 11 Tf 56 786 Td 15 TL\n".to_vec();
        for line in *page {
            drawing.push(b'(');
            drawing.extend(pdf_string(line));
            drawing.extend_from_slice(b") Tj T*\n");
        }
        drawing.extend_from_slice(b"ET\n");
        if i == 0 && picture > 0 {
            drawing.extend_from_slice(b"q 120 0 0 120 420 40 cm /Im1 Do Q\n");
        }
        file.stream("", &drawing)?;
    }
    Ok(file.finish())
}

fn pdf_string(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for byte in encode(text, Charset::Windows1252) {
        if matches!(byte, b'(' | b')' | b'\\') {
            out.push(b'\\');
        }
        out.push(byte);
    }
    out
}

/// Objects of a PDF with the offsets its cross-reference table needs.
struct PdfFile {
    bytes: Vec<u8>,
    offsets: Vec<usize>,
}

impl PdfFile {
    fn new() -> PdfFile {
        PdfFile { bytes: b"%PDF-1.4\n%\xE2\xE3\xCF\xD3\n".to_vec(), offsets: Vec::new() }
    }

    fn object(&mut self, body: &[u8]) {
        self.offsets.push(self.bytes.len());
        self.bytes.extend_from_slice(format!("{} 0 obj\n", self.offsets.len()).as_bytes());
        self.bytes.extend_from_slice(body);
        self.bytes.extend_from_slice(b"\nendobj\n");
    }

    fn stream(&mut self, dictionary: &str, content: &[u8]) -> Result<(), DemoError> {
        let packed = zlib(content)?;
        let mut body = format!("<< {dictionary} /Filter /FlateDecode /Length {} >>\nstream\n", packed.len())
            .into_bytes();
        body.extend_from_slice(&packed);
        body.extend_from_slice(b"\nendstream");
        self.object(&body);
        Ok(())
    }

    fn finish(mut self) -> Vec<u8> {
        let start = self.bytes.len();
        let size = self.offsets.len() + 1;
        let mut tail = format!("xref\n0 {size}\n0000000000 65535 f \n");
        for offset in &self.offsets {
            tail.push_str(&format!("{offset:010} 00000 n \n"));
        }
        tail.push_str(&format!(
            "trailer\n<< /Size {size} /Root 1 0 R /Info 4 0 R >>\nstartxref\n{start}\n%%EOF\n"
        ));
        self.bytes.extend_from_slice(tail.as_bytes());
        self.bytes
    }
}

/// The largest number whose square is not above `n`.
fn integer_root(n: usize) -> usize {
    let mut root = 0;
    while (root + 1) * (root + 1) <= n {
        root += 1;
    }
    root
}

/// A grey PNG (RFC 2083) of about `bytes` bytes: a gradient under noise, as a photograph has.
pub(crate) fn png(rng: &mut Rng, bytes: usize) -> Result<Vec<u8>, DemoError> {
    let side = integer_root(bytes * 8 / 7).max(8);
    let mut rows = vec![0; side * (side + 1)];
    rng.fill(&mut rows);
    for (y, row) in rows.chunks_mut(side + 1).enumerate() {
        for (x, pixel) in row.iter_mut().enumerate() {
            // The first byte of a row is its filter: none.
            *pixel =
                if x == 0 { 0 } else { (*pixel & 0x3F).wrapping_add(((x + y) * 190 / (2 * side)) as u8) };
        }
    }
    let mut out = b"\x89PNG\r\n\x1a\n".to_vec();
    let mut header = Vec::new();
    header.extend_from_slice(&(side as u32).to_be_bytes());
    header.extend_from_slice(&(side as u32).to_be_bytes());
    header.extend_from_slice(&[8, 0, 0, 0, 0]);
    png_chunk(b"IHDR", &header, &mut out);
    png_chunk(b"tEXt", b"Software\0Capture 2.1", &mut out);
    png_chunk(b"IDAT", &zlib(&rows)?, &mut out);
    png_chunk(b"IEND", b"", &mut out);
    Ok(out)
}

fn png_chunk(kind: &[u8; 4], data: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(&(data.len() as u32).to_be_bytes());
    let mut crc = flate2::Crc::new();
    crc.update(kind);
    crc.update(data);
    out.extend_from_slice(kind);
    out.extend_from_slice(data);
    out.extend_from_slice(&crc.sum().to_be_bytes());
}

fn zlib(content: &[u8]) -> Result<Vec<u8>, DemoError> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(content).map_err(DemoError::pack)?;
    encoder.finish().map_err(DemoError::pack)
}

/// gzip (RFC 1952) with a name and without a time.
pub(crate) fn gzip(name: &str, content: &[u8]) -> Result<Vec<u8>, DemoError> {
    let mut encoder = GzBuilder::new().filename(name).write(Vec::new(), Compression::default());
    encoder.write_all(content).map_err(DemoError::pack)?;
    encoder.finish().map_err(DemoError::pack)
}

/// A zip of (name, content, deflated?) members; a name that ends with `/` is a directory.
pub(crate) fn archive(members: &[(String, Vec<u8>, bool)]) -> Result<Vec<u8>, DemoError> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content, deflated) in members {
        let options = zip_options(*deflated);
        if name.ends_with('/') {
            zip.add_directory(name.as_str(), options).map_err(DemoError::zip)?;
            continue;
        }
        zip.start_file(name.as_str(), options).map_err(DemoError::zip)?;
        zip.write_all(content).map_err(DemoError::pack)?;
    }
    Ok(zip.finish().map_err(DemoError::zip)?.into_inner())
}

/// Options with the same time for all: the first that the format can hold (1980-01-01).
pub(crate) fn zip_options(deflated: bool) -> SimpleFileOptions {
    let method = if deflated { CompressionMethod::Deflated } else { CompressionMethod::Stored };
    SimpleFileOptions::DEFAULT.compression_method(method)
}

/// Text as the body of XML or HTML.
pub(crate) fn escape_markup(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn docx(rng: &mut Rng, title: &str, author: &str, text: &str, picture: usize) -> Result<Vec<u8>, DemoError> {
    const W: &str = "http://schemas.openxmlformats.org/wordprocessingml/2006/main";
    let mut body = format!("{XML}<w:document xmlns:w=\"{W}\"><w:body>");
    for line in text.lines().filter(|line| !line.is_empty()) {
        let id = rng.token("0123456789ABCDEF", 8);
        body.push_str(&format!(
            "<w:p w:rsidR=\"00{}\" w:rsidRDefault=\"{id}\"><w:r><w:t xml:space=\"preserve\">{}</w:t></w:r></w:p>",
            id.get(..6).unwrap_or("000000"),
            escape_markup(line)
        ));
    }
    body.push_str("<w:sectPr><w:pgSz w:w=\"11906\" w:h=\"16838\"/></w:sectPr></w:body></w:document>");
    let main = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml";
    let mut members = office_frame(rng, "word/document.xml", main, title, author);
    members.push(("word/document.xml".to_owned(), body.into_bytes(), true));
    if picture > 0 {
        members.push(("word/media/image1.png".to_owned(), png(rng, picture)?, false));
    }
    archive(&members)
}

fn xlsx(
    rng: &mut Rng,
    prose: &Prose,
    lang: Lang,
    rows: usize,
    word: Option<&str>,
) -> Result<Vec<u8>, DemoError> {
    const S: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
    const R: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    let mut sheet = format!("{XML}<worksheet xmlns=\"{S}\"><sheetData>");
    for row in 1..=rows {
        let label = match word {
            Some(word) if row == rows / 2 => word.to_owned(),
            _ => format!("{} {}", prose.noun(rng, lang, row), prose.town(rng)),
        };
        sheet.push_str(&format!(
            "<row r=\"{row}\"><c r=\"A{row}\" t=\"inlineStr\"><is><t>{}</t></is></c>\
             <c r=\"B{row}\"><v>{}.{:02}</v></c><c r=\"C{row}\"><v>{}</v></c></row>",
            escape_markup(&label),
            rng.below(90_000),
            rng.below(100),
            rng.between(45_170, 45_770)
        ));
    }
    sheet.push_str("</sheetData></worksheet>");
    let main = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml";
    let author = format!("{} {}", rng.pick(crate::people::FIRST_NAMES), prose.surname(rng));
    let mut members = office_frame(rng, "xl/workbook.xml", main, "Tableau", &author);
    let workbook = format!(
        "{XML}<workbook xmlns=\"{S}\" xmlns:r=\"{R}\"><sheets><sheet name=\"Feuille1\" sheetId=\"1\" r:id=\"rId1\"/></sheets></workbook>"
    );
    let relations = format!(
        "{XML}<Relationships xmlns=\"{RELATIONS}\"><Relationship Id=\"rId1\" Type=\"{R}/worksheet\" Target=\"worksheets/sheet1.xml\"/></Relationships>"
    );
    members.push(("xl/workbook.xml".to_owned(), workbook.into_bytes(), true));
    members.push(("xl/_rels/workbook.xml.rels".to_owned(), relations.into_bytes(), true));
    members.push(("xl/worksheets/sheet1.xml".to_owned(), sheet.into_bytes(), true));
    archive(&members)
}

const XML: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n";
const RELATIONS: &str = "http://schemas.openxmlformats.org/package/2006/relationships";

/// Content types, relationships and properties (ECMA-376 part 2).
fn office_frame(
    rng: &mut Rng,
    main: &str,
    media: &str,
    title: &str,
    author: &str,
) -> Vec<(String, Vec<u8>, bool)> {
    const O: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    let sheet = "application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml";
    let sheet = match main.starts_with("xl/") {
        true => format!("<Override PartName=\"/xl/worksheets/sheet1.xml\" ContentType=\"{sheet}\"/>"),
        false => String::new(),
    };
    let types = format!(
        "{XML}<Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\">\
         <Default Extension=\"rels\" ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/>\
         <Default Extension=\"xml\" ContentType=\"application/xml\"/><Default Extension=\"png\" ContentType=\"image/png\"/>\
         <Override PartName=\"/{main}\" ContentType=\"{media}\"/>{sheet}\
         <Override PartName=\"/docProps/core.xml\" ContentType=\"application/vnd.openxmlformats-package.core-properties+xml\"/></Types>"
    );
    let relations = format!(
        "{XML}<Relationships xmlns=\"{RELATIONS}\">\
         <Relationship Id=\"rId1\" Type=\"{O}/officeDocument\" Target=\"{main}\"/>\
         <Relationship Id=\"rId2\" Type=\"http://schemas.openxmlformats.org/package/2006/relationships/metadata/core-properties\" \
         Target=\"docProps/core.xml\"/></Relationships>"
    );
    let made = clock::instant(rng.below(1_000) as u64, 1_000, rng);
    let changed = made + rng.between(60, 500_000) as i64;
    let core = format!(
        "{XML}<cp:coreProperties xmlns:cp=\"http://schemas.openxmlformats.org/package/2006/metadata/core-properties\" \
         xmlns:dc=\"http://purl.org/dc/elements/1.1/\" xmlns:dcterms=\"http://purl.org/dc/terms/\" \
         xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"><dc:title>{}</dc:title><dc:creator>{author}</dc:creator>\
         <cp:lastModifiedBy>{author}</cp:lastModifiedBy><cp:revision>{}</cp:revision>\
         <dcterms:created xsi:type=\"dcterms:W3CDTF\">{}</dcterms:created>\
         <dcterms:modified xsi:type=\"dcterms:W3CDTF\">{}</dcterms:modified></cp:coreProperties>",
        escape_markup(title),
        rng.between(1, 30),
        clock::rfc3339(made),
        clock::rfc3339(changed)
    );
    vec![
        ("[Content_Types].xml".to_owned(), types.into_bytes(), true),
        ("_rels/.rels".to_owned(), relations.into_bytes(), true),
        ("docProps/core.xml".to_owned(), core.into_bytes(), true),
    ]
}

fn csv(rng: &mut Rng, prose: &Prose, lang: Lang, rows: usize, word: Option<&str>) -> String {
    let mut out = String::from("nom;ville;objet;montant;référence\n");
    for row in 0..rows {
        let thing = match word {
            Some(word) if row == rows / 2 => word.to_owned(),
            _ => prose.noun(rng, lang, row).to_owned(),
        };
        let name = format!("{} {}", rng.pick(crate::people::FIRST_NAMES), prose.surname(rng));
        let town = prose.town(rng);
        out.push_str(&format!(
            "{name};{town};{thing};{},{:02};{}\n",
            rng.below(9_000),
            rng.below(100),
            rng.hex(8)
        ));
    }
    out
}

fn html(title: &str, text: &str) -> String {
    let mut out = format!(
        "<!DOCTYPE html>\n<html lang=\"fr\"><head><meta charset=\"utf-8\"><title>{}</title></head><body>\n<h1>{}</h1>\n",
        escape_markup(title),
        escape_markup(title)
    );
    for line in text.lines().filter(|line| !line.is_empty()) {
        out.push_str(&format!("<p>{}</p>\n", escape_markup(line)));
    }
    out.push_str("</body></html>\n");
    out
}

/// An event (RFC 5545).
pub(crate) fn ics(
    rng: &mut Rng,
    prose: &Prose,
    at: i64,
    title: &str,
    word: Option<&str>,
    method: &str,
) -> String {
    let (start, uid) = (at - at.rem_euclid(1_800) + 86_400, rng.hex(32));
    let note = word.unwrap_or("ordre du jour en annexe");
    let lines = [
        "BEGIN:VCALENDAR".to_owned(),
        "VERSION:2.0".to_owned(),
        "PRODID:-//Agenda//demain.example//FR".to_owned(),
        format!("METHOD:{method}"),
        "BEGIN:VEVENT".to_owned(),
        format!("UID:{uid}@agenda.demain.example"),
        format!("DTSTAMP:{}", clock::icalendar(at)),
        format!("DTSTART:{}", clock::icalendar(start)),
        format!("DTEND:{}", clock::icalendar(start + 3_600)),
        format!("SUMMARY:{}", title.replace([',', ';'], "\\,")),
        format!("LOCATION:{}", prose.town(rng)),
        format!("DESCRIPTION:{note}"),
        "END:VEVENT".to_owned(),
        "END:VCALENDAR".to_owned(),
    ];
    lines.map(|line| line + "\r\n").concat()
}

/// A visiting card (RFC 6350) with a telephone number of those kept for fiction.
fn vcf(rng: &mut Rng, prose: &Prose, word: Option<&str>) -> String {
    let (first, last): (&str, &str) = (rng.pick(crate::people::FIRST_NAMES), prose.surname(rng));
    let lines = [
        "BEGIN:VCARD".to_owned(),
        "VERSION:3.0".to_owned(),
        format!("N:{last};{first};;;"),
        format!("FN:{first} {last}"),
        format!("ORG:{}", prose.organisation(rng)),
        format!("TEL;TYPE=CELL:+33 6 39 98 {:02} {:02}", rng.below(100), rng.below(100)),
        format!(
            "ADR;TYPE=WORK:;;{} rue {};{};;{:05};France",
            rng.between(1, 120),
            prose.surname(rng),
            prose.town(rng),
            rng.between(1_000, 95_999)
        ),
        format!("NOTE:{}", word.unwrap_or("rencontre lors d'un meeting")),
        "END:VCARD".to_owned(),
    ];
    lines.map(|line| line + "\r\n").concat()
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    fn one(kind: Kind, word: Option<&str>) -> Vec<u8> {
        let prose = Prose::new(1);
        make(kind, &mut Rng::new(1, "test", kind as u64), &prose, Content { word, stem: None }).unwrap().bytes
    }

    fn member(bytes: Vec<u8>, name: &str) -> String {
        let mut zip = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
        let mut text = String::new();
        zip.by_name(name).unwrap().read_to_string(&mut text).unwrap();
        text
    }

    #[test]
    fn documents_hold_their_word() {
        let word = Some("xylword");
        for kind in [Kind::Text, Kind::Csv, Kind::Html, Kind::Ics, Kind::Vcf] {
            assert!(String::from_utf8_lossy(&one(kind, word)).contains("xylword"), "{kind:?}");
        }
        assert!(member(one(Kind::Docx, word), "word/document.xml").contains("xylword"));
        assert!(member(one(Kind::Xlsx, word), "xl/worksheets/sheet1.xml").contains("xylword"));
        let mut text = String::new();
        flate2::read::GzDecoder::new(&one(Kind::Gzip, word)[..]).read_to_string(&mut text).unwrap();
        assert!(text.contains("xylword"));
        let mut zip = zip::ZipArchive::new(Cursor::new(one(Kind::Zip, word))).unwrap();
        let held = (0..zip.len()).filter(|i| {
            let mut bytes = Vec::new();
            zip.by_index(*i).unwrap().read_to_end(&mut bytes).unwrap();
            String::from_utf8_lossy(&bytes).contains("xylword")
        });
        assert_eq!(held.count(), 1);
    }

    #[test]
    fn pdf_offsets_and_streams_hold() {
        let bytes = one(Kind::Pdf, Some("xylword"));
        let text = String::from_utf8_lossy(&bytes);
        assert!(bytes.starts_with(b"%PDF-1.4") && bytes.ends_with(b"%%EOF\n"));
        let tail = text.rsplit("startxref\n").next().unwrap();
        let start: usize = tail.lines().next().unwrap().parse().unwrap();
        assert!(bytes[start..].starts_with(b"xref\n"));
        let table = String::from_utf8_lossy(&bytes[start..]).into_owned();
        let mut found = false;
        for (i, entry) in table.lines().skip(3).take_while(|line| line.ends_with(" n ")).enumerate() {
            let at: usize = entry[..10].parse().unwrap();
            assert!(bytes[at..].starts_with(format!("{} 0 obj\n", i + 1).as_bytes()));
            let body = &bytes[at..];
            let Some(from) = body.windows(7).position(|w| w == b"stream\n") else { continue };
            if body.windows(6).position(|w| w == b"endobj").is_some_and(|end| end < from) {
                continue;
            }
            let mut content = Vec::new();
            flate2::read::ZlibDecoder::new(&body[from + 7..]).read_to_end(&mut content).unwrap();
            found |= content.windows(7).any(|w| w == b"xylword");
        }
        assert!(found);
    }

    #[test]
    fn png_decodes() {
        let bytes = png(&mut Rng::new(1, "png", 0), 5_000).unwrap();
        assert!((4_000..6_500).contains(&bytes.len()), "{}", bytes.len());
        let idat = bytes.windows(4).position(|w| w == b"IDAT").unwrap();
        let mut rows = Vec::new();
        flate2::read::ZlibDecoder::new(&bytes[idat + 4..]).read_to_end(&mut rows).unwrap();
        let side = u32::from_be_bytes(bytes[16..20].try_into().unwrap()) as usize;
        assert_eq!(rows.len(), side * (side + 1));
    }

    #[test]
    fn documents_are_functions_of_their_number() {
        let prose = Prose::new(1);
        for n in 0..40 {
            let [a, b] = [nth(1, n, &prose).unwrap(), nth(1, n, &prose).unwrap()];
            assert!(a.bytes == b.bytes && a.name == b.name);
        }
    }
}
