//! What the header of a message or part says about its body (RFC 2045, RFC 2183).

use super::{header, params, params::Value};
use crate::{formats::charset, out::Coding};

/// The fields of a header that concern MIME.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Entity {
    /// Content-Type; `text/plain` or, in a digest, `message/rfc822` where there is none.
    pub content_type: Value,
    /// Content-Type without parameters as declared.
    pub declared_type: Option<String>,
    /// Content-Disposition.
    pub disposition: Option<Value>,
    /// Content-Transfer-Encoding.
    pub coding: Coding,
    /// Content-Transfer-Encoding where it is none that is known.
    pub unknown_coding: Option<String>,
    /// Content-ID without angle brackets.
    pub content_id: Option<String>,
}

impl Entity {
    /// What a part without any header is.
    pub(super) fn plain(in_digest: bool) -> Entity {
        let main = if in_digest { "message/rfc822" } else { "text/plain" };
        Entity {
            content_type: Value { main: main.to_owned(), parameters: Vec::new() },
            declared_type: None,
            disposition: None,
            coding: Coding::Identity,
            unknown_coding: None,
            content_id: None,
        }
    }

    /// Takes one field; the first of a name counts. `value` is unfolded.
    pub(super) fn field(&mut self, name: &[u8], value: &[u8]) {
        let is = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
        // No honest parameter needs more; the bytes themselves are in the header rows or structure.
        let value = value.get(..value.len().min(64 << 10)).unwrap_or_default();
        if is("content-type") && self.declared_type.is_none() {
            let parsed = params::parse(value);
            self.declared_type = Some(parsed.main.chars().take(128).collect());
            if is_media_type(&parsed.main) {
                self.content_type = parsed;
            } else {
                // `text`, `plain`: what a reader makes of a broken type (RFC 2045 §5.2).
                self.content_type.main = "text/plain".to_owned();
                self.content_type.parameters = parsed.parameters;
            }
        } else if is("content-disposition") && self.disposition.is_none() {
            self.disposition = Some(params::parse(value));
        } else if is("content-id") && self.content_id.is_none() {
            let id = charset::raw(value.trim_ascii()).into_owned();
            let id = id.trim_start_matches('<').trim_end_matches('>').chars().take(1000).collect::<String>();
            self.content_id = Some(id).filter(|id| !id.is_empty());
        } else if is("content-transfer-encoding")
            && self.unknown_coding.is_none()
            && self.coding == Coding::Identity
        {
            self.coding = match coding(value) {
                Ok(coding) => coding,
                Err(word) => {
                    self.unknown_coding = Some(word);
                    Coding::Identity
                }
            };
        }
    }

    /// Reads the fields of a part's header block.
    pub(super) fn of_part(bytes: &[u8], eol: header::Eol, in_digest: bool) -> Entity {
        let mut entity = Entity::plain(in_digest);
        if let Some((block, _)) = header::scan(bytes, eol, true) {
            for field in block.fields {
                let name = bytes.get(field.name).unwrap_or_default();
                let is_mime = name.get(..8).is_some_and(|p| p.eq_ignore_ascii_case(b"content-"));
                if is_mime {
                    let value = bytes.get(field.value).unwrap_or_default();
                    entity.field(name, &header::unfold(value, eol));
                }
            }
        }
        entity
    }

    /// `text/html`.
    pub(super) fn media_type(&self) -> &str {
        &self.content_type.main
    }

    /// File name: of the disposition, else of the type.
    pub(super) fn name(&self) -> Option<&str> {
        let disposition = self.disposition.as_ref().and_then(|d| d.get("filename").or_else(|| d.get("name")));
        let name = disposition
            .or_else(|| self.content_type.get("name"))
            .or_else(|| self.content_type.get("filename"));
        name.filter(|name| !name.is_empty())
    }

    /// Whether it is declared as an attachment.
    pub(super) fn is_attachment(&self) -> bool {
        self.disposition.as_ref().is_some_and(|d| d.main == "attachment")
    }

    /// Whether parts are what the body consists of.
    pub(super) fn is_multipart(&self) -> bool {
        self.media_type().starts_with("multipart/")
    }
}

fn is_media_type(text: &str) -> bool {
    text.split_once('/').is_some_and(|(kind, sub)| {
        let is_token = |t: &str| !t.is_empty() && t.bytes().all(|b| b.is_ascii_graphic() && b != b'"');
        is_token(kind) && is_token(sub)
    })
}

fn coding(value: &[u8]) -> Result<Coding, String> {
    let text = params::without_comments(value);
    let word = text.split(|c: char| c.is_whitespace() || c == ';').find(|w| !w.is_empty()).unwrap_or("");
    let word = word.trim_matches(['"', '\'', ',']).to_ascii_lowercase();
    Ok(match word.as_str() {
        "" | "7bit" | "8bit" | "binary" | "7-bit" | "8-bit" | "7bits" | "8bits" | "none" | "us-ascii" => {
            Coding::Identity
        }
        "base64" | "base-64" | "x-base64" => Coding::Base64,
        "quoted-printable" | "quotedprintable" | "quoted" | "x-quoted-printable" => Coding::QuotedPrintable,
        "x-uuencode" | "uuencode" | "x-uue" | "uue" | "x-uu" => Coding::Uuencode,
        "x-yencode" | "yenc" | "x-yenc" => Coding::Yenc,
        _ => return Err(word.chars().take(100).collect()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entities() {
        let part = b"Content-Type: Image/PNG; name=a.png\r\nContent-type: text/html\r\nCONTENT-DISPOSITION: Inline;\r\n filename=b.png\r\nContent-Transfer-Encoding: BASE64 (really)\r\nContent-ID: <x@y>\r\n";
        let entity = Entity::of_part(part, header::Eol::Lf, false);
        assert_eq!(entity.media_type(), "image/png");
        assert_eq!(entity.name(), Some("b.png"));
        assert_eq!(entity.disposition.as_ref().unwrap().main, "inline");
        assert_eq!(entity.coding, Coding::Base64);
        assert_eq!(entity.content_id.as_deref(), Some("x@y"));
        assert!(!entity.is_attachment());
    }

    #[test]
    fn broken_types_are_text() {
        for (value, media_type) in [
            ("text", "text/plain"),
            ("", "text/plain"),
            ("/", "text/plain"),
            ("text/", "text/plain"),
            ("a/b", "a/b"),
            ("\"text/html\"", "text/html"),
        ] {
            let mut entity = Entity::plain(false);
            entity.field(b"content-type", value.as_bytes());
            assert_eq!(entity.media_type(), media_type, "{value}");
        }
        assert_eq!(Entity::of_part(b"", header::Eol::Lf, true).media_type(), "message/rfc822");
    }

    #[test]
    fn codings() {
        for (value, coding) in [
            (" 7bit", Some(Coding::Identity)),
            ("Quoted-Printable", Some(Coding::QuotedPrintable)),
            ("base64;", Some(Coding::Base64)),
            ("x-uuencode", Some(Coding::Uuencode)),
            ("rot13", None),
        ] {
            assert_eq!(super::coding(value.as_bytes()).ok(), coding, "{value}");
        }
    }
}
