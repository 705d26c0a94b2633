//! Formats that are recognised by their first bytes and wait for a reader, and the words for kinds.
//!
//! Only the first 4 KiB are looked at. Formats whose mark stands elsewhere (ISO 9660 at 32 KiB, disk
//! images at their end) are not recognised here; text formats (SVG, XML, JSON, vCard, PGP armour) are
//! left to the text reader, which reads them.

use memchr::memmem;

use super::text::looks_like_text;
use crate::reader::Look;

/// Media type of content whose signature is known; `None` where it is not.
pub fn media_type(look: &Look) -> Option<&'static str> {
    let head = look.head;
    let by_magic = || {
        // Letters at the start of a text are words.
        let is_text = looks_like_text(head);
        let starts = |(at, magic, media_type): &&Magic| {
            head.get(*at..).is_some_and(|rest| rest.starts_with(magic))
                && (!is_text || TEXTUAL.contains(media_type))
        };
        MAGICS.iter().find(starts).map(|(_, _, media_type)| *media_type)
    };
    ole(look)
        .or_else(|| zip_document(look))
        .or_else(|| riff(head))
        .or_else(|| iso_media(head))
        .or_else(|| executable(head))
        .or_else(|| ebml(head))
        .or_else(by_magic)
        .or_else(|| asn1(look))
        .or_else(|| tar(head))
        .or_else(|| mpeg_audio(head))
        .or_else(|| pgp(look))
        .or_else(|| lzma(look))
        .or_else(|| old_tables(look))
}

/// Offset, bytes there, media type. The first line that fits counts.
type Magic = (usize, &'static [u8], &'static str);

/// Formats that may look like text to their end and are not read as such.
const TEXTUAL: [&str; 6] = [
    "application/pdf",
    "application/rtf",
    "application/postscript",
    "application/mac-binhex40",
    "application/x-bittorrent",
    "font/type1",
];

const MAGICS: &[Magic] = &[
    // Documents.
    (0, b"%PDF-", "application/pdf"),
    (0, b"\xef\xbb\xbf%PDF-", "application/pdf"),
    (0, b"{\\rtf", "application/rtf"),
    (0, b"{\\urtf", "application/rtf"),
    (0, b"%!PS-Adobe", "application/postscript"),
    (0, b"\xc5\xd0\xd3\xc6", "application/postscript"),
    (0, b"\x04%!PS", "application/postscript"),
    (0, b"AT&TFORM", "image/vnd.djvu"),
    (0, b"ITSF\x03\0\0\0", "application/vnd.ms-htmlhelp"),
    (0, b"\xffWPC", "application/vnd.wordperfect"),
    (0, b"\xe4\x52\x5c\x7b\x8c\xd8\xa7\x4d", "application/onenote"),
    (0, b"\xa1\x2f\xff\x43\xd9\xef\x76\x4c", "application/onenote"),
    (0, b"BOOKMOBI", "application/x-mobipocket-ebook"),
    (60, b"BOOKMOBI", "application/x-mobipocket-ebook"),
    (60, b"TEXtREAd", "application/x-palm-database"),
    (0, b"HWP Document File", "application/x-hwp"),
    (0, b"\x0e\x11\xfc\x0d\xd0\xcf\x11\x0e", "application/x-ole-storage"),
    (0, b"\x09\x00\x04\x00\x07\x00\x10\x00", "application/vnd.ms-excel"),
    (0, b"\x09\x02\x06\x00\x00\x00\x10\x00", "application/vnd.ms-excel"),
    (0, b"\x09\x04\x06\x00\x00\x00\x10\x00", "application/vnd.ms-excel"),
    (0, b"\x31\xbe\x00\x00\x00\xab", "application/msword"),
    (0, b"\x32\xbe\x00\x00\x00\xab", "application/msword"),
    (0, b"\xdb\xa5\x2d\x00", "application/msword"),
    (0, b"\xfe\x37\x00\x23", "application/msword"),
    (0, b"\x00\x00\x1a\x00", "application/vnd.lotus-1-2-3"),
    (0, b"AC10", "image/vnd.dwg"),
    (0, b"(DWF V", "model/vnd.dwf"),
    (0, b"%FDF-", "application/fdf"),
    // Mail stores and what comes with mail.
    (0, b"!BDN", "application/vnd.ms-outlook-pst"),
    (0, b"\x78\x9f\x3e\x22", "application/vnd.ms-tnef"),
    (0, b"\xcf\xad\x12\xfe", "application/vnd.ms-outlook-dbx"),
    (0, b"\x1a\x00\x00\x04\x00\x00", "application/vnd.lotus-notes"),
    (4, b"\xef\xcd\xab\x89", "application/x-ms-edb"),
    // Archives and compressed files.
    (0, b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (0, b"Rar!\x1a\x07", "application/vnd.rar"),
    (0, b"RE\x7e\x5e", "application/vnd.rar"),
    (0, b"BZh", "application/x-bzip2"),
    (0, b"\xfd7zXZ\0", "application/x-xz"),
    (0, b"\x28\xb5\x2f\xfd", "application/zstd"),
    (0, b"\x04\x22\x4d\x18", "application/x-lz4"),
    (0, b"\x02\x21\x4c\x18", "application/x-lz4"),
    (0, b"LZIP", "application/x-lzip"),
    (0, b"\x89LZO\0\x0d\x0a\x1a\x0a", "application/x-lzop"),
    (0, b"\x1f\x9d", "application/x-compress"),
    (0, b"\x1f\xa0", "application/x-compress"),
    (0, b"\x1f\x1e", "application/x-pack"),
    (0, b"\xff\x06\x00\x00sNaPpY", "application/x-snappy-framed"),
    (257, b"ustar", "application/x-tar"),
    (0, b"MSCF\0\0\0\0", "application/vnd.ms-cab-compressed"),
    (0, b"ISc(", "application/x-installshield"),
    (0, b"\x60\xea", "application/x-arj"),
    (2, b"-lh0-", "application/x-lzh-compressed"),
    (2, b"-lh1-", "application/x-lzh-compressed"),
    (2, b"-lh4-", "application/x-lzh-compressed"),
    (2, b"-lh5-", "application/x-lzh-compressed"),
    (2, b"-lh6-", "application/x-lzh-compressed"),
    (2, b"-lh7-", "application/x-lzh-compressed"),
    (2, b"-lhd-", "application/x-lzh-compressed"),
    (2, b"-lzs-", "application/x-lzh-compressed"),
    (20, b"\xdc\xa7\xc4\xfd", "application/x-zoo"),
    (0, b"**ACE**", "application/x-ace-compressed"),
    (7, b"**ACE**", "application/x-ace-compressed"),
    (0, b"!<arch>\ndebian", "application/vnd.debian.binary-package"),
    (0, b"!<arch>\n", "application/x-archive"),
    (0, b"\xed\xab\xee\xdb", "application/x-rpm"),
    (0, b"\xc7\x71", "application/x-cpio"),
    (0, b"\x71\xc7", "application/x-cpio"),
    (0, b"070701", "application/x-cpio"),
    (0, b"070702", "application/x-cpio"),
    (0, b"070707", "application/x-cpio"),
    (0, b"xar!", "application/x-xar"),
    (0, b"SIT!", "application/x-stuffit"),
    (0, b"StuffIt ", "application/x-stuffit"),
    (0, b"WARC/1.", "application/warc"),
    (0, b"WARC/0.", "application/warc"),
    (0, b"hsqs", "application/x-squashfs"),
    (0, b"MSWIM\0\0\0", "application/x-ms-wim"),
    (0, b"PAR2\0PKT", "application/x-par2"),
    (0, b"QFI\xfb", "application/x-qemu-disk"),
    (0, b"KDMV", "application/x-vmdk"),
    (0, b"conectix", "application/x-vhd"),
    (0, b"vhdxfile", "application/x-vhdx"),
    (0, b"EVF\x09\x0d\x0a\xff\0", "application/x-ewf"),
    (0, b"LUKS\xba\xbe", "application/x-luks"),
    (32769, b"CD001", "application/x-iso9660-image"),
    // Images.
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"\x8aMNG\r\n\x1a\n", "video/x-mng"),
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"GIF87a", "image/gif"),
    (0, b"GIF89a", "image/gif"),
    (0, b"II*\0\x10\0\0\0CR", "image/x-canon-cr2"),
    (0, b"II*\0", "image/tiff"),
    (0, b"MM\0*", "image/tiff"),
    (0, b"II+\0", "image/tiff"),
    (0, b"MM\0+", "image/tiff"),
    (0, b"8BPS\0\x01", "image/vnd.adobe.photoshop"),
    (0, b"8BPS\0\x02", "image/vnd.adobe.photoshop"),
    (0, b"\0\0\x01\0", "image/vnd.microsoft.icon"),
    (0, b"\0\0\x02\0", "image/vnd.microsoft.icon"),
    (0, b"\0\0\0\x0cjP  \r\n\x87\n", "image/jp2"),
    (0, b"\xff\x4f\xff\x51", "image/jp2"),
    (0, b"\0\0\0\x0cJXL \r\n\x87\n", "image/jxl"),
    (0, b"\xff\x0a", "image/jxl"),
    (0, b"BPG\xfb", "image/bpg"),
    (0, b"gimp xcf ", "image/x-xcf"),
    (0, b"\x97JB2\r\n\x1a\n", "image/jbig2"),
    (0, b"\xd7\xcd\xc6\x9a", "image/wmf"),
    (40, b" EMF", "image/emf"),
    (0, b"icns\0", "image/icns"),
    (0, b"v/1\x01", "image/x-exr"),
    (0, b"#?RADIANCE", "image/vnd.radiance"),
    (0, b"FUJIFILMCCD-RAW", "image/x-fuji-raf"),
    (0, b"\x0a\x05\x01\x08", "image/vnd.zbrush.pcx"),
    // Audio and video.
    (0, b"ID3", "audio/mpeg"),
    (0, b"fLaC", "audio/flac"),
    (0, b"OggS", "audio/ogg"),
    (0, b"MThd\0\0\0\x06", "audio/midi"),
    (0, b".snd\0\0\0", "audio/basic"),
    (0, b"#!AMR", "audio/amr"),
    (0, b"\x0b\x77", "audio/ac3"),
    (0, b"\xff\xf1", "audio/aac"),
    (0, b"\xff\xf9", "audio/aac"),
    (0, b"MAC ", "audio/x-ape"),
    (0, b"wvPk", "audio/x-wavpack"),
    (0, b"caff\0\x01", "audio/x-caf"),
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\x00\xaa\x00\x62\xce\x6c", "video/x-ms-asf"),
    (0, b"FLV\x01", "video/x-flv"),
    (0, b".RMF\0\0\0", "application/vnd.rn-realmedia"),
    (0, b"\0\0\x01\xba", "video/mpeg"),
    (0, b"\0\0\x01\xb3", "video/mpeg"),
    (0, b"FWS", "application/x-shockwave-flash"),
    (0, b"CWS", "application/x-shockwave-flash"),
    (0, b"ZWS", "application/x-shockwave-flash"),
    // Databases and records.
    (0, b"SQLite format 3\0", "application/vnd.sqlite3"),
    (4, b"Standard Jet DB\0", "application/x-msaccess"),
    (4, b"Standard ACE DB\0", "application/x-msaccess"),
    (12, b"\x62\x31\x05\0", "application/x-berkeley-db"),
    (12, b"\x61\x15\x06\0", "application/x-berkeley-db"),
    (12, b"\xc2\xea\x81\x60\xb3\x14\x11\xcf\xbd\x92\x08\0\x09\xc7\x31\x8c", "application/x-sas-data"),
    (0, b"PAR1", "application/vnd.apache.parquet"),
    (0, b"ORC", "application/x-orc"),
    (0, b"Obj\x01", "application/avro"),
    (0, b"ARROW1\0\0", "application/vnd.apache.arrow.file"),
    (0, b"\x89HDF\r\n\x1a\n", "application/x-hdf"),
    (0, b"CDF\x01", "application/x-netcdf"),
    (0, b"CDF\x02", "application/x-netcdf"),
    (0, b"$FL2@(#)", "application/x-spss-sav"),
    (0, b"MATLAB 5.0 MAT-file", "application/x-matlab-data"),
    (0, b"ElfFile\0", "application/x-ms-evtx"),
    (0, b"regf", "application/x-ms-registry"),
    (0, b"\xd4\xc3\xb2\xa1", "application/vnd.tcpdump.pcap"),
    (0, b"\xa1\xb2\xc3\xd4", "application/vnd.tcpdump.pcap"),
    (0, b"\x4d\x3c\xb2\xa1", "application/vnd.tcpdump.pcap"),
    (0, b"\x0a\x0d\x0d\x0a", "application/x-pcapng"),
    (0, b"PACK\0\0\0\x02", "application/x-git-pack"),
    (0, b"\xfftOc\x02\0\0\0", "application/x-git-index"),
    (0, b"DIRC\0\0\0", "application/x-git-index"),
    (0, b"bplist00", "application/x-bplist"),
    (0, b"d8:announce", "application/x-bittorrent"),
    (0, b"d13:announce-list", "application/x-bittorrent"),
    (0, b"d7:comment", "application/x-bittorrent"),
    (0, b"\0\0\0\x02Bud1", "application/x-ds-store"),
    (0, b"\0\0\0\x01Bud1", "application/x-ds-store"),
    (0, b"\0\x05\x16\x07", "application/applefile"),
    (0, b"\0\x05\x16\0", "application/applefile"),
    (0, b"(This file must be converted with BinHex", "application/mac-binhex40"),
    (0, b"L\0\0\0\x01\x14\x02\0\0\0\0\0\xc0\0\0\0\0\0\0\x46", "application/x-ms-shortcut"),
    (0, b"CMMM", "application/x-thumbcache"),
    // Programs.
    (0, b"\x7fELF", "application/x-executable"),
    (0, b"\0asm", "application/wasm"),
    (0, b"JAVA PROFILE 1.0", "application/x-hprof"),
    (0, b"\xca\xfe\xd0\x0d", "application/x-java-pack200"),
    (0, b"dex\n03", "application/vnd.android.dex"),
    (0, b"BC\xc0\xde", "application/x-llvm"),
    // Fonts.
    (0, b"wOFF", "font/woff"),
    (0, b"wOF2", "font/woff2"),
    (0, b"OTTO\0", "font/otf"),
    (0, b"\0\x01\0\0\0", "font/ttf"),
    (0, b"true\0", "font/ttf"),
    (0, b"ttcf\0", "font/collection"),
    (0, b"%!FontType1", "font/type1"),
    (0, b"%!PS-AdobeFont", "font/type1"),
    (0, b"\x80\x01", "font/type1"),
    // Keys.
    (0, b"\xfe\xed\xfe\xed\0\0\0", "application/x-java-keystore"),
    (0, b"\x03\xd9\xa2\x9a", "application/x-keepass2"),
];

/// The first line of `table` whose key occurs in `head`.
fn first_in(head: &[u8], table: &[(&[u8], &'static str)]) -> Option<&'static str> {
    table.iter().find(|(key, _)| memmem::find(head, key).is_some()).map(|(_, media_type)| *media_type)
}

/// The media type of an extension, for formats that share a signature.
fn by_extension(look: &Look, table: &[(&str, &'static str)]) -> Option<&'static str> {
    table.iter().find(|(extension, _)| look.hint.extension == *extension).map(|(_, media_type)| *media_type)
}

/// OLE compound files ([MS-CFB]): by the root's class or the names of streams where the directory is
/// near, else by extension.
fn ole(look: &Look) -> Option<&'static str> {
    if !look.head.starts_with(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1") {
        return None;
    }
    let classes: &[(&[u8], &'static str)] = &[
        (b"\x06\x09\x02\0\0\0\0\0\xc0\0\0\0\0\0\0\x46", "application/msword"),
        (b"\x20\x08\x02\0\0\0\0\0\xc0\0\0\0\0\0\0\x46", "application/vnd.ms-excel"),
        (b"\x10\x08\x02\0\0\0\0\0\xc0\0\0\0\0\0\0\x46", "application/vnd.ms-excel"),
        (b"\x10\x8d\x81\x64\x9b\x4f\xcf\x11\x86\xea\0\xaa\0\xb9\x29\xe8", "application/vnd.ms-powerpoint"),
        (b"\x0b\x0d\x02\0\0\0\0\0\xc0\0\0\0\0\0\0\x46", "application/vnd.ms-outlook"),
        (b"\x14\x1a\x02\0\0\0\0\0\xc0\0\0\0\0\0\0\x46", "application/vnd.visio"),
        (b"\x84\x10\x0c\0\0\0\0\0\xc0\0\0\0\0\0\0\x46", "application/x-msi"),
        (b"\x01\x12\x02\0\0\0\0\0\0\xc0\0\0\0\0\0\0\x46", "application/x-mspublisher"),
        // Names of streams, UTF-16.
        (b"_\0_\0p\0r\0o\0p\0e\0r\0t\0i\0e\0s\0_\0v\0e\0r\0s\0i\0o\0n\0", "application/vnd.ms-outlook"),
        (b"W\0o\0r\0d\0D\0o\0c\0u\0m\0e\0n\0t\0", "application/msword"),
        (b"W\0o\0r\0k\0b\0o\0o\0k\0\0\0", "application/vnd.ms-excel"),
        (b"B\0o\0o\0k\0\0\0", "application/vnd.ms-excel"),
        (b"P\0o\0w\0e\0r\0P\0o\0i\0n\0t\0 \0D\0o\0c\0", "application/vnd.ms-powerpoint"),
        (b"V\0i\0s\0i\0o\0D\0o\0c\0", "application/vnd.visio"),
        (b"E\0n\0c\0r\0y\0p\0t\0e\0d\0P\0a\0c\0k\0a\0g\0e\0", "application/x-ole-storage"),
    ];
    let extensions = [
        ("doc", "application/msword"),
        ("dot", "application/msword"),
        ("xls", "application/vnd.ms-excel"),
        ("xlt", "application/vnd.ms-excel"),
        ("ppt", "application/vnd.ms-powerpoint"),
        ("pps", "application/vnd.ms-powerpoint"),
        ("pot", "application/vnd.ms-powerpoint"),
        ("msg", "application/vnd.ms-outlook"),
        ("vsd", "application/vnd.visio"),
        ("pub", "application/x-mspublisher"),
        ("mpp", "application/vnd.ms-project"),
        ("msi", "application/x-msi"),
        ("hwp", "application/x-hwp"),
        ("wps", "application/vnd.ms-works"),
    ];
    // The first 512 bytes are the header and the table of sectors.
    let rest = look.head.get(512..).unwrap_or(&[]);
    let found = first_in(rest, classes).or_else(|| by_extension(look, &extensions));
    found.or(Some("application/x-ole-storage"))
}

/// Zip archives that are documents: their reader knows what their members mean, the zip reader does
/// not. Names of members within the first 4 KiB decide (OPC part names; ODF 1.3 part 2, 3.3).
pub(super) fn zip_document(look: &Look) -> Option<&'static str> {
    let head = look.head;
    if !head.starts_with(b"PK\x03\x04") {
        return None;
    }
    if let Some(declared) = first_member(head, b"mimetype")
        && let Some((_, media_type)) = ODF.iter().find(|(prefix, _)| declared.starts_with(prefix))
    {
        return Some(media_type);
    }
    let names: Vec<&[u8]> =
        memmem::find_iter(head, b"PK\x03\x04").filter_map(|at| member_name(head, at)).collect();
    const PACKAGE: [&[u8]; 4] =
        [b"[Content_Types].xml", b"_rels/.rels", b"docProps/app.xml", b"docProps/core.xml"];
    const MAIN: &[(&[u8], &str)] = &[
        (b"word/", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
        (b"xl/", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        (b"ppt/", "application/vnd.openxmlformats-officedocument.presentationml.presentation"),
        (b"visio/", "application/vnd.ms-visio.drawing"),
        (b"FixedDocumentSequence.fdseq", "application/vnd.ms-xpsdocument"),
        (b"FixedDocSeq.fdseq", "application/vnd.ms-xpsdocument"),
    ];
    let extensions = [
        ("docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
        ("docm", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
        ("dotx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
        ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        ("xlsm", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        ("xlsb", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        ("xltx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        ("pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation"),
        ("pptm", "application/vnd.openxmlformats-officedocument.presentationml.presentation"),
        ("ppsx", "application/vnd.openxmlformats-officedocument.presentationml.presentation"),
        ("dotm", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
        ("xltm", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        ("potx", "application/vnd.openxmlformats-officedocument.presentationml.presentation"),
        ("potm", "application/vnd.openxmlformats-officedocument.presentationml.presentation"),
        ("ppsm", "application/vnd.openxmlformats-officedocument.presentationml.presentation"),
        ("vsdx", "application/vnd.ms-visio.drawing"),
        ("xps", "application/vnd.ms-xpsdocument"),
    ];
    const NEAR: [&[u8]; 4] = [b"customXml/", b"docProps/", b"_rels/", b"[Content_Types].xml"];
    if let Some(media_type) = by_extension(look, &extensions)
        && names.iter().any(|name| NEAR.iter().any(|start| name.starts_with(start)))
    {
        return Some(media_type);
    }
    const ODF_PARTS: [&[u8]; 5] =
        [b"content.xml", b"meta.xml", b"styles.xml", b"settings.xml", b"META-INF/manifest.xml"];
    let odf = [
        ("odt", "application/vnd.oasis.opendocument.text"),
        ("ods", "application/vnd.oasis.opendocument.spreadsheet"),
        ("odp", "application/vnd.oasis.opendocument.presentation"),
        ("odg", "application/vnd.oasis.opendocument.graphics"),
        ("sxw", "application/vnd.sun.xml.writer"),
        ("sxc", "application/vnd.sun.xml.calc"),
        ("sxi", "application/vnd.sun.xml.impress"),
    ];
    if let Some(media_type) = by_extension(look, &odf)
        && names.first().is_some_and(|name| ODF_PARTS.contains(name) || *name == b"mimetype")
    {
        return Some(media_type);
    }
    let main = MAIN.iter().find(|(start, _)| names.iter().any(|name| name.starts_with(start)));
    let package = names.iter().any(|name| PACKAGE.contains(name));
    match (main, package || by_extension(look, &extensions).is_some()) {
        (Some((_, media_type)), true) => Some(media_type),
        (None, true) if names.first() == Some(&b"[Content_Types].xml".as_slice()) => {
            Some("application/vnd.openxmlformats-package")
        }
        _ => None,
    }
}

/// What `mimetype` holds of a document, by its beginning. Templates and flat variants share it.
const ODF: &[(&[u8], &str)] = &[
    (b"application/vnd.oasis.opendocument.text", "application/vnd.oasis.opendocument.text"),
    (b"application/vnd.oasis.opendocument.spreadsheet", "application/vnd.oasis.opendocument.spreadsheet"),
    (b"application/vnd.oasis.opendocument.presentation", "application/vnd.oasis.opendocument.presentation"),
    (b"application/vnd.oasis.opendocument.graphics", "application/vnd.oasis.opendocument.graphics"),
    (b"application/vnd.oasis.opendocument.", "application/vnd.oasis.opendocument.other"),
    (b"application/vnd.sun.xml.writer", "application/vnd.sun.xml.writer"),
    (b"application/vnd.sun.xml.calc", "application/vnd.sun.xml.calc"),
    (b"application/vnd.sun.xml.impress", "application/vnd.sun.xml.impress"),
    (b"application/vnd.sun.xml.", "application/vnd.sun.xml.other"),
];

/// Name of the member whose local header stands at `at`.
fn member_name(head: &[u8], at: usize) -> Option<&[u8]> {
    let header = head.get(at..)?;
    let len = u16::from_le_bytes(*header.get(26..)?.first_chunk()?);
    header.get(30..30 + usize::from(len))
}

/// Content of the first member, if it has this name and is stored.
fn first_member<'a>(head: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    if member_name(head, 0)? != name || head.get(8..10)? != [0, 0] {
        return None;
    }
    let extra = u16::from_le_bytes(*head.get(28..)?.first_chunk()?);
    head.get(30 + name.len() + usize::from(extra)..)
}

/// RIFF and its relatives: the form's name stands at 8.
fn riff(head: &[u8]) -> Option<&'static str> {
    let form = head.get(8..12)?;
    match (head.get(..4)?, form) {
        (b"RIFF" | b"RIFX" | b"RF64", b"WAVE") => Some("audio/wav"),
        (b"RIFF", b"AVI ") => Some("video/x-msvideo"),
        (b"RIFF", b"WEBP") => Some("image/webp"),
        (b"RIFF", b"CDR " | b"CDRA" | b"CDR6" | b"CDR7" | b"CDR8" | b"CDR9") => Some("image/x-coreldraw"),
        (b"RIFF", b"RMID") => Some("audio/midi"),
        (b"RIFF", _) => Some("application/x-riff"),
        (b"FORM", b"AIFF" | b"AIFC") => Some("audio/aiff"),
        (b"FORM", b"ILBM") => Some("image/x-ilbm"),
        _ => None,
    }
}

/// ISO base media files: a `ftyp` box with a brand; QuickTime before it had one.
fn iso_media(head: &[u8]) -> Option<&'static str> {
    let (kind, brand) = (head.get(4..8)?, head.get(8..12)?);
    match (kind, brand) {
        (b"ftyp", b"heic" | b"heix" | b"hevc" | b"heim" | b"mif1" | b"msf1") => Some("image/heic"),
        (b"ftyp", b"avif" | b"avis") => Some("image/avif"),
        (b"ftyp", b"crx ") => Some("image/x-canon-cr3"),
        (b"ftyp", b"M4A " | b"M4B " | b"M4P ") => Some("audio/mp4"),
        (b"ftyp", b"qt  ") => Some("video/quicktime"),
        (b"ftyp", [b'3', b'g', ..]) => Some("video/3gpp"),
        (b"ftyp", _) => Some("video/mp4"),
        (b"moov" | b"mdat" | b"pnot", _) => Some("video/quicktime"),
        (b"wide" | b"free" | b"skip", _) if head.get(..2)? == [0, 0] => Some("video/quicktime"),
        _ => None,
    }
}

/// Programs whose first bytes are shared with other things.
fn executable(head: &[u8]) -> Option<&'static str> {
    let word = u32::from_be_bytes(*head.first_chunk()?);
    let next = u32::from_be_bytes(*head.get(4..)?.first_chunk()?);
    match word {
        0xfeed_face | 0xfeed_facf | 0xcefa_edfe | 0xcffa_edfe => Some("application/x-mach-binary"),
        // A universal binary names a few architectures, a class file its version (from 45).
        0xcafe_babe if next < 40 => Some("application/x-mach-binary"),
        0xcafe_babe => Some("application/java-vm"),
        _ if head.starts_with(b"MZ") => {
            let at = usize::try_from(u32::from_le_bytes(*head.get(60..)?.first_chunk()?)).ok()?;
            match head.get(at..at.checked_add(2)?) {
                Some(b"PE") => Some("application/vnd.microsoft.portable-executable"),
                // The word `MZ` at the start of a text has no header behind it.
                _ if head.get(2..64)?.contains(&0) => Some("application/x-dosexec"),
                _ => None,
            }
        }
        _ => None,
    }
}

fn ebml(head: &[u8]) -> Option<&'static str> {
    let is_ebml = head.starts_with(b"\x1a\x45\xdf\xa3");
    let start = head.get(..head.len().min(64)).unwrap_or(&[]);
    is_ebml.then(|| match memmem::find(start, b"webm") {
        Some(_) => "video/webm",
        None => "video/x-matroska",
    })
}

/// DER: a sequence of the file's size that begins as a certificate, a PKCS #7 or a PKCS #12 does.
fn asn1(look: &Look) -> Option<&'static str> {
    let (len, body) = match look.head {
        [0x30, len @ 0..0x80, body @ ..] => (Some(2 + u64::from(*len)), body),
        [0x30, 0x80, body @ ..] => (None, body),
        [0x30, 0x81, len, body @ ..] => (Some(3 + u64::from(*len)), body),
        [0x30, 0x82, a, b, body @ ..] => (Some(4 + u64::from(u16::from_be_bytes([*a, *b]))), body),
        [0x30, 0x83, a, b, c, body @ ..] => (Some(5 + u64::from(u32::from_be_bytes([0, *a, *b, *c]))), body),
        [0x30, 0x84, a, b, c, d, body @ ..] => {
            (Some(6 + u64::from(u32::from_be_bytes([*a, *b, *c, *d]))), body)
        }
        _ => return None,
    };
    if len.is_some_and(|len| len.abs_diff(look.bytes) > 64) {
        return None;
    }
    match body {
        // 1.2.840.113549.1.7.x
        [0x06, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, _, ..] => Some("application/pkcs7-mime"),
        // 1.2.840.113549.1.9.16.1.31: timestamped data; others below it are CMS contents.
        [0x06, 11, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x01, 31, ..] => {
            Some("application/timestamped-data")
        }
        [0x06, 11, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x01, _, ..] => {
            Some("application/pkcs7-mime")
        }
        // A version 3, then PKCS #7 data.
        [0x02, 1, 3, 0x30, ..] => Some("application/x-pkcs12"),
        // A private key: version 0, then a sequence or the modulus.
        [0x02, 1, 0, 0x30 | 0x02, ..] => Some("application/pkcs8"),
        // A private key of an elliptic curve (RFC 5915).
        [0x02, 1, 1, 0x04, ..] => Some("application/pkcs8"),
        // A certificate or request: to be signed, then an explicit version or a number.
        [0x30, 0x81..=0x83, ..] => match memmem::find(body, b"\x06\x03\x55\x04") {
            Some(_) => Some("application/pkix-cert"),
            None => None,
        },
        _ => None,
    }
}

/// An old tar has no magic, but a checksum of its header (POSIX.1, ustar interchange format).
fn tar(head: &[u8]) -> Option<&'static str> {
    let header: &[u8; 512] = head.first_chunk()?;
    let field = std::str::from_utf8(header.get(148..156)?).ok()?;
    let stored = u32::from_str_radix(field.trim_matches([' ', '\0']), 8).ok()?;
    let sum: u32 = header
        .iter()
        .enumerate()
        .map(|(i, b)| if (148..156).contains(&i) { 32 } else { u32::from(*b) })
        .sum();
    (sum == stored && header.first() != Some(&0)).then_some("application/x-tar")
}

/// MPEG audio without a tag: two frames, the second where the first one ends.
fn mpeg_audio(head: &[u8]) -> Option<&'static str> {
    let frame = |at: usize| -> Option<usize> {
        let word = u32::from_be_bytes(*head.get(at..)?.first_chunk()?);
        let (version, layer) = (word >> 19 & 3, word >> 17 & 3);
        let (rate, sampling) = ((word >> 12 & 15) as usize, (word >> 10 & 3) as usize);
        if word >> 21 != 0x7ff || layer != 1 || version == 1 || sampling == 3 {
            return None;
        }
        let rates: [u32; 15] = match version {
            3 => [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
            _ => [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
        };
        let hertz = [44_100, 48_000, 32_000].get(sampling)? >> [2, 0, 1, 0].get(version as usize)?;
        let samples = if version == 3 { 144_000 } else { 72_000 };
        let len = samples * rates.get(rate).filter(|rate| **rate > 0)? / hertz + (word >> 9 & 1);
        Some(at + len as usize)
    };
    frame(frame(0)?).map(|_| "audio/mpeg")
}

/// Binary OpenPGP (RFC 9580, 4.2): a packet of a kind that files begin with, and a body that fits.
fn pgp(look: &Look) -> Option<&'static str> {
    let (first, rest) = look.head.split_first()?;
    if first & 0x80 == 0 || look.bytes < 16 {
        return None;
    }
    let (tag, len, body) = match (first & 0x40 != 0, rest) {
        (true, [len @ 0..192, body @ ..]) => (first & 0x3f, u64::from(*len), body),
        (true, [a @ 192..224, b, body @ ..]) => {
            (first & 0x3f, (u64::from(*a) - 192) * 256 + u64::from(*b) + 192, body)
        }
        (true, [255, a, b, c, d, body @ ..]) => {
            (first & 0x3f, u64::from(u32::from_be_bytes([*a, *b, *c, *d])), body)
        }
        (false, rest) => match (first & 3, rest) {
            (0, [len, body @ ..]) => (first >> 2 & 15, u64::from(*len), body),
            (1, [a, b, body @ ..]) => (first >> 2 & 15, u64::from(u16::from_be_bytes([*a, *b])), body),
            (2, [a, b, c, d, body @ ..]) => {
                (first >> 2 & 15, u64::from(u32::from_be_bytes([*a, *b, *c, *d])), body)
            }
            _ => return None,
        },
        _ => return None,
    };
    if len < 8 || len > look.bytes {
        return None;
    }
    match (tag, body) {
        // Keys: version 2 to 6, then a time and an algorithm.
        (5 | 6, [2..=6, _, _, _, _, 1..=27, ..]) => Some("application/pgp-keys"),
        // A session key for a recipient: version 3, eight bytes of id, an algorithm.
        (1, [3, _, _, _, _, _, _, _, _, 1..=27, ..]) => Some("application/pgp-encrypted"),
        // A session key from a passphrase.
        (3, [4..=6, 1..=13, 0..=4, ..]) => Some("application/pgp-encrypted"),
        // A signature.
        (2, [3..=6, 0..=0x50, 1..=27, ..]) => Some("application/pgp-signature"),
        _ => None,
    }
}

/// LZMA alone has no magic either: a property byte, a dictionary of 2^n or 2^n + 2^(n-1), a size.
fn lzma(look: &Look) -> Option<&'static str> {
    let [0x5d, a, b, c, d, size @ ..] = look.head else { return None };
    let dictionary = u32::from_le_bytes([*a, *b, *c, *d]);
    let size = u64::from_le_bytes(*size.first_chunk()?);
    let usual = dictionary >= 1 << 12 && dictionary.count_ones() <= 2;
    (usual && (size == u64::MAX || size < 1 << 40)).then_some("application/x-lzma")
}

/// Formats of few magic bytes, told by more of their header and by the extension.
fn old_tables(look: &Look) -> Option<&'static str> {
    let head = look.head;
    // BMP: the declared size is the file's, or the header that follows has a usual length.
    if head.starts_with(b"BM")
        && matches!(head.get(14..18), Some([12 | 40 | 52 | 56 | 64 | 108 | 124, 0, 0, 0]))
    {
        return Some("image/bmp");
    }
    // dBase: a date of update that can be one.
    if look.hint.extension == "dbf"
        && matches!(head, [0x02 | 0x03 | 0x30 | 0x31 | 0x43 | 0x83 | 0x8b | 0xf5, _, 1..=12, 1..=31, ..])
    {
        return Some("application/x-dbf");
    }
    // WMF without a placeable header; TGA has nothing to tell it by.
    match head {
        [1 | 2, 0, 9, 0, 0, 1 | 3, ..] => Some("image/wmf"),
        // PEM stands for text; a DOS program of two bytes for nothing.
        _ => None,
    }
}

/// The words of `kind:` in searches, in the order of the documentation.
pub const KINDS: &[&str] = &[
    "mail",
    "mailbox",
    "text",
    "html",
    "archive",
    "document",
    "spreadsheet",
    "presentation",
    "pdf",
    "image",
    "audio",
    "video",
    "calendar",
    "contact",
    "database",
    "program",
    "font",
    "key",
    "other",
];

/// The word of a media type: an exact line, else the longest beginning that fits, else `other`.
pub fn kind(media_type: &str) -> &'static str {
    let fits = |(key, _): &&(&str, &str)| match key.strip_suffix('*') {
        Some(start) => media_type.starts_with(start),
        None => media_type == *key,
    };
    KIND_OF
        .iter()
        .filter(fits)
        .max_by_key(|(key, _)| (!key.ends_with('*'), key.len()))
        .map_or("other", |(_, kind)| kind)
}

const KIND_OF: &[(&str, &str)] = &[
    ("message/*", "mail"),
    ("application/vnd.ms-outlook", "mail"),
    ("application/vnd.ms-tnef", "mail"),
    ("application/x-emlx", "mail"),
    ("application/mbox", "mailbox"),
    ("application/vnd.ms-outlook-pst", "mailbox"),
    ("application/vnd.ms-outlook-dbx", "mailbox"),
    ("application/vnd.lotus-notes", "mailbox"),
    ("application/x-ms-edb", "mailbox"),
    ("text/*", "text"),
    ("application/json", "text"),
    ("application/xml", "text"),
    ("text/html", "html"),
    ("application/xhtml+xml", "html"),
    ("text/calendar", "calendar"),
    ("text/vcard", "contact"),
    ("text/x-vcard", "contact"),
    ("application/pdf", "pdf"),
    ("application/msword", "document"),
    ("application/rtf", "document"),
    ("text/rtf", "document"),
    ("application/postscript", "document"),
    ("application/epub+zip", "document"),
    ("application/onenote", "document"),
    ("application/x-hwp", "document"),
    ("application/vnd.wordperfect", "document"),
    ("application/vnd.ms-works", "document"),
    ("application/vnd.ms-htmlhelp", "document"),
    ("application/vnd.ms-xpsdocument", "document"),
    ("application/vnd.ms-visio.*", "document"),
    ("application/vnd.visio", "document"),
    ("application/vnd.ms-project", "document"),
    ("application/x-mspublisher", "document"),
    ("application/x-mobipocket-ebook", "document"),
    ("application/x-palm-database", "document"),
    ("application/x-ole-storage", "document"),
    ("application/vnd.openxmlformats-*", "document"),
    ("application/vnd.openxmlformats-officedocument.spreadsheetml.*", "spreadsheet"),
    ("application/vnd.openxmlformats-officedocument.presentationml.*", "presentation"),
    ("application/vnd.oasis.opendocument.*", "document"),
    ("application/vnd.oasis.opendocument.spreadsheet", "spreadsheet"),
    ("application/vnd.oasis.opendocument.presentation", "presentation"),
    ("application/vnd.oasis.opendocument.graphics", "image"),
    ("application/vnd.sun.xml.*", "document"),
    ("application/vnd.sun.xml.calc", "spreadsheet"),
    ("application/vnd.sun.xml.impress", "presentation"),
    ("application/vnd.ms-excel*", "spreadsheet"),
    ("application/vnd.lotus-1-2-3", "spreadsheet"),
    ("text/csv", "spreadsheet"),
    ("application/vnd.ms-powerpoint*", "presentation"),
    ("image/*", "image"),
    ("image/vnd.djvu", "document"),
    ("audio/*", "audio"),
    ("video/*", "video"),
    ("application/vnd.rn-realmedia", "video"),
    ("application/x-shockwave-flash", "video"),
    ("font/*", "font"),
    ("application/zip", "archive"),
    ("application/gzip", "archive"),
    ("application/zstd", "archive"),
    ("application/vnd.rar", "archive"),
    ("application/x-tar", "archive"),
    ("application/x-7z-compressed", "archive"),
    ("application/x-bzip2", "archive"),
    ("application/x-xz", "archive"),
    ("application/x-lz4", "archive"),
    ("application/x-lzip", "archive"),
    ("application/x-lzma", "archive"),
    ("application/x-lzop", "archive"),
    ("application/x-compress", "archive"),
    ("application/x-pack", "archive"),
    ("application/x-snappy-framed", "archive"),
    ("application/vnd.ms-cab-compressed", "archive"),
    ("application/x-installshield", "archive"),
    ("application/x-arj", "archive"),
    ("application/x-lzh-compressed", "archive"),
    ("application/x-zoo", "archive"),
    ("application/x-ace-compressed", "archive"),
    ("application/x-archive", "archive"),
    ("application/vnd.debian.binary-package", "archive"),
    ("application/x-rpm", "archive"),
    ("application/x-cpio", "archive"),
    ("application/x-xar", "archive"),
    ("application/x-stuffit", "archive"),
    ("application/x-squashfs", "archive"),
    ("application/x-ms-wim", "archive"),
    ("application/x-par2", "archive"),
    ("application/x-qemu-disk", "archive"),
    ("application/x-vmdk", "archive"),
    ("application/x-vhd", "archive"),
    ("application/x-vhdx", "archive"),
    ("application/x-ewf", "archive"),
    ("application/x-luks", "archive"),
    ("application/x-iso9660-image", "archive"),
    ("application/mac-binhex40", "archive"),
    ("application/x-git-pack", "archive"),
    ("application/warc", "archive"),
    ("application/fdf", "pdf"),
    ("model/*", "image"),
    ("application/x-berkeley-db", "database"),
    ("application/x-sas-data", "database"),
    ("application/x-java-pack200", "program"),
    ("application/x-hprof", "other"),
    ("application/vnd.sqlite3", "database"),
    ("application/x-msaccess", "database"),
    ("application/x-dbf", "database"),
    ("application/vnd.apache.*", "database"),
    ("application/x-orc", "database"),
    ("application/avro", "database"),
    ("application/x-hdf", "database"),
    ("application/x-netcdf", "database"),
    ("application/x-spss-sav", "database"),
    ("application/x-matlab-data", "database"),
    ("application/x-ms-registry", "database"),
    ("application/x-ms-evtx", "database"),
    ("application/x-executable", "program"),
    ("application/x-mach-binary", "program"),
    ("application/java-vm", "program"),
    ("application/vnd.microsoft.portable-executable", "program"),
    ("application/x-dosexec", "program"),
    ("application/vnd.android.dex", "program"),
    ("application/x-msi", "program"),
    ("application/wasm", "program"),
    ("application/x-llvm", "program"),
    ("application/x-ms-shortcut", "program"),
    ("application/pkcs*", "key"),
    ("application/x-pkcs12", "key"),
    ("application/pkix-cert", "key"),
    ("application/timestamped-data", "key"),
    ("application/pgp-*", "key"),
    ("application/x-java-keystore", "key"),
    ("application/x-keepass2", "key"),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::reader::Hint;

    fn of(head: &[u8], name: &str) -> Option<&'static str> {
        let hint = Hint::new(name.as_bytes(), "");
        media_type(&Look { head, bytes: head.len() as u64, hint: &hint })
    }

    /// Like `of`, with bytes behind that no text has.
    fn padded(start: &[u8]) -> Option<&'static str> {
        of(&[start, &[0; 600]].concat(), "")
    }

    #[test]
    fn signatures() {
        for (start, expected) in [
            (b"%PDF-1.4\n".as_slice(), "application/pdf"),
            (b"{\\rtf1\\ansi", "application/rtf"),
            (b"!BDN\x12\x34\x56\x78SM", "application/vnd.ms-outlook-pst"),
            (b"\x78\x9f\x3e\x22\x01\0", "application/vnd.ms-tnef"),
            (b"Rar!\x1a\x07\x00", "application/vnd.rar"),
            (b"Rar!\x1a\x07\x01\x00", "application/vnd.rar"),
            (b"7z\xbc\xaf\x27\x1c\0\x04", "application/x-7z-compressed"),
            (b"\xfd7zXZ\0\0\x04", "application/x-xz"),
            (b"\x28\xb5\x2f\xfd\x04", "application/zstd"),
            (b"RIFF\x10\0\0\0WEBPVP8 ", "image/webp"),
            (b"RIFF\x10\0\0\0WAVEfmt ", "audio/wav"),
            (b"\0\0\0\x18ftypheic", "image/heic"),
            (b"\0\0\0\x18ftypisom", "video/mp4"),
            (b"\0\0\0\x14ftypqt  ", "video/quicktime"),
            (b"\x1a\x45\xdf\xa3\x9f\x42\x82\x84webm", "video/webm"),
            (b"\x7fELF\x02\x01\x01", "application/x-executable"),
            (b"\xca\xfe\xba\xbe\0\0\0\x34", "application/java-vm"),
            (b"\xca\xfe\xba\xbe\0\0\0\x02", "application/x-mach-binary"),
            (b"SQLite format 3\0", "application/vnd.sqlite3"),
            (b"\0\x01\0\0Standard Jet DB\0", "application/x-msaccess"),
            (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/x-ole-storage"),
            (b"\x85\x01\x0c\x03\x11\x22\x33\x44\x55\x66\x77\x88\x01", "application/pgp-encrypted"),
            (b"BM\x36\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0", "image/bmp"),
            (b"\x5d\0\0\x80\0\xff\xff\xff\xff\xff\xff\xff\xff\0", "application/x-lzma"),
        ] {
            assert_eq!(padded(start), Some(expected), "{start:?}");
        }
    }

    #[test]
    fn words_are_no_signatures() {
        for text in [
            "MAC addresses of the printers",
            "WARC/1.0\r\nWARC-Type: x\r\n",
            "%FDF-1.2",
            "ORC is a file format",
            "BZh",
            "BM is short for",
            "ID3 tags",
            "FWS: minutes",
            "MZ",
            "LZIP\n",
            "PAR1 of 3",
            "regf",
            "true\n",
            "%!PS is how it begins",
            "RE: hello",
            "caf\u{e9}",
            "",
            "0",
            "<svg xmlns='http://www.w3.org/2000/svg'/>",
            "BEGIN:VCARD\r\nVERSION:3.0\r\n",
            "-----BEGIN PGP MESSAGE-----\n\nhQEMA",
            "{\"a\":1}",
        ] {
            assert_eq!(of(text.as_bytes(), ""), None, "{text}");
        }
        assert_eq!(padded(b""), None);
    }

    #[test]
    fn old_tar_by_its_checksum() {
        let mut header = vec![0u8; 1024];
        header[..5].copy_from_slice(b"a.txt");
        header[148..156].fill(b' ');
        let sum: u32 = header[..512].iter().map(|b| u32::from(*b)).sum();
        header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
        assert_eq!(of(&header, ""), Some("application/x-tar"));
        header[0] ^= 1;
        assert_eq!(of(&header, ""), None);
    }

    #[test]
    fn ole_by_streams_then_by_extension() {
        let mut file = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".to_vec();
        file.resize(1024, 0xff);
        assert_eq!(of(&file, "a.xls"), Some("application/vnd.ms-excel"));
        let name: Vec<u8> = "WordDocument".bytes().flat_map(|b| [b, 0]).collect();
        file.extend_from_slice(&name);
        assert_eq!(of(&file, "a.xls"), Some("application/msword"));
    }

    #[test]
    fn kinds() {
        for (media_type, expected) in [
            ("message/rfc822", "mail"),
            ("application/mbox", "mailbox"),
            ("text/plain", "text"),
            ("text/html", "html"),
            ("application/zip", "archive"),
            ("application/msword", "document"),
            ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", "document"),
            ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "spreadsheet"),
            ("application/vnd.openxmlformats-officedocument.presentationml.presentation", "presentation"),
            ("application/vnd.oasis.opendocument.spreadsheet", "spreadsheet"),
            ("application/pdf", "pdf"),
            ("image/anything", "image"),
            ("text/calendar", "calendar"),
            ("text/vcard", "contact"),
            ("application/pgp-keys", "key"),
            ("application/octet-stream", "other"),
            ("", "other"),
        ] {
            assert_eq!(kind(media_type), expected, "{media_type}");
        }
        let used: BTreeSet<&str> = KIND_OF.iter().map(|(_, kind)| *kind).chain(["other"]).collect();
        assert_eq!(used, KINDS.iter().copied().collect());
    }

    #[test]
    fn every_signature_has_a_kind_or_is_meant_to_have_none() {
        let meant = [
            "application/x-riff",
            "application/vnd.tcpdump.pcap",
            "application/x-pcapng",
            "application/x-git-index",
            "application/x-bplist",
            "application/x-bittorrent",
            "application/x-ds-store",
            "application/applefile",
            "application/x-thumbcache",
            "application/x-hprof",
        ];
        for (_, _, media_type) in MAGICS {
            assert_eq!(kind(media_type) == "other", meant.contains(media_type), "{media_type}");
        }
    }
}
