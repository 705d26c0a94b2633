//! HTML to text: what a reader of the page would read, and what it links to. Shared by the mail reader
//! and the reader of HTML files.
//!
//! One pass over tags, text and character references (WHATWG HTML §13.2.5); no tree is built, so that
//! depth costs nothing and time is linear. html5ever's own tokenizer is not used because it compares
//! every attribute of a tag with all before it. Text that is hidden by style is kept: a browser's view
//! is not the measure, losing words is.

use std::fmt::Write;

use html5ever::data::NAMED_ENTITIES;

/// Text of an HTML document.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HtmlText {
    /// The text: blocks on lines of their own, table cells apart by a tab, links followed by their
    /// address in angle brackets where it is not the text itself.
    pub text: String,
    /// Content of the first `title`; not part of `text`.
    pub title: Option<String>,
    /// Offset in the document where reading stopped because `budget` was spent; `None` where all was
    /// read.
    pub stopped: Option<usize>,
}

/// The text of `html`, at most about `budget` bytes of it (one more run of text at most). Without
/// markup the text is no longer than the input; with it at most twice as long.
pub fn html_to_text(html: &str, budget: usize) -> HtmlText {
    let mut page = Page::default();
    let mut scan = Scan { html, at: 0 };
    while let Some(token) = scan.next_token() {
        if page.text.len() >= budget {
            page.stopped = Some(scan.at);
            break;
        }
        match token {
            Token::Text(text) => page.words(text),
            Token::Start(tag) => page.start(&tag, &mut scan),
            Token::End(name) => page.end(name),
        }
    }
    page.close_link();
    let mut text = page.text;
    text.truncate(text.trim_end().len());
    let title = page.title.filter(|title| !title.is_empty());
    HtmlText { text, title, stopped: page.stopped }
}

/// The charset that a page declares of itself, in a `meta` element within its first bytes.
pub fn declared_charset(page: &[u8]) -> Option<String> {
    let head = page.get(..page.len().min(2048)).unwrap_or_default().to_ascii_lowercase();
    memchr::memmem::find_iter(&head, b"<meta").find_map(|meta| {
        let tag = head.get(meta..)?;
        let tag = tag.get(..memchr::memchr(b'>', tag)?)?;
        let value = tag.get(memchr::memmem::find(tag, b"charset")? + 7..)?.trim_ascii_start();
        let value = value.strip_prefix(b"=")?.trim_ascii_start();
        let value = value.strip_prefix(b"\"").or_else(|| value.strip_prefix(b"'")).unwrap_or(value);
        let end = value
            .iter()
            .position(|b| !b.is_ascii_alphanumeric() && !b"-_.:".contains(b))
            .unwrap_or(value.len());
        let label = std::str::from_utf8(value.get(..end)?).ok()?;
        (!label.is_empty()).then(|| label.to_owned())
    })
}

/// Longest address of a link that is repeated in the text, in bytes.
const LINK: usize = 2048;
/// Longest name of an element that means something here.
const NAME: usize = 16;

/// Elements that begin and end a line.
const BLOCKS: &[&str] = &[
    "address",
    "article",
    "aside",
    "blockquote",
    "body",
    "center",
    "dd",
    "details",
    "dialog",
    "dir",
    "div",
    "dl",
    "dt",
    "fieldset",
    "figcaption",
    "figure",
    "footer",
    "form",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "header",
    "hgroup",
    "html",
    "legend",
    "li",
    "main",
    "menu",
    "nav",
    "ol",
    "optgroup",
    "option",
    "p",
    "pre",
    "section",
    "summary",
    "table",
    "tbody",
    "tfoot",
    "thead",
    "tr",
    "ul",
];
/// Of these, elements with an empty line around them.
const SPACED: &[&str] =
    &["blockquote", "h1", "h2", "h3", "h4", "h5", "h6", "p", "pre", "table", "ul", "ol", "dl"];
/// Elements whose content is not text of the page, up to their end tag.
const DROPPED: &[&str] = &["script", "style", "noembed", "noframes", "iframe"];

enum Token<'h> {
    /// Characters, references still in them.
    Text(&'h str),
    Start(Tag<'h>),
    /// Name of an end tag.
    End(&'h str),
}

struct Tag<'h> {
    name: &'h str,
    attributes: &'h str,
}

/// Cuts a document into tokens. Every token moves `at` on, over bytes looked at once (a `<` that
/// begins nothing is text).
struct Scan<'h> {
    html: &'h str,
    at: usize,
}

impl<'h> Scan<'h> {
    fn rest(&self) -> &'h str {
        self.html.get(self.at..).unwrap_or("")
    }

    fn next_token(&mut self) -> Option<Token<'h>> {
        loop {
            let rest = self.rest();
            let bytes = rest.as_bytes();
            match bytes.first()? {
                b'<' => match bytes.get(1) {
                    Some(b) if b.is_ascii_alphabetic() => return Some(self.tag()),
                    Some(b'/') => match bytes.get(2) {
                        Some(b) if b.is_ascii_alphabetic() => return Some(self.tag()),
                        Some(b'>') => self.at += 3,
                        Some(_) => self.skip_to(2, ">"),
                        None => return Some(self.text(bytes.len())),
                    },
                    Some(b'!') => self.comment(),
                    Some(b'?') => self.skip_to(2, ">"),
                    _ => {
                        let end = memchr::memchr(b'<', bytes.get(1..)?).map_or(bytes.len(), |i| i + 1);
                        return Some(self.text(end));
                    }
                },
                _ => return Some(self.text(memchr::memchr(b'<', bytes).unwrap_or(bytes.len()))),
            }
        }
    }

    fn text(&mut self, len: usize) -> Token<'h> {
        let text = self.rest().get(..len).unwrap_or("");
        self.at += len;
        Token::Text(text)
    }

    /// A tag: name, then attributes up to the first `>` outside quotes.
    fn tag(&mut self) -> Token<'h> {
        let rest = self.rest();
        let is_end = rest.as_bytes().get(1) == Some(&b'/');
        let from = if is_end { 2 } else { 1 };
        let rest = rest.get(from..).unwrap_or("");
        let name =
            rest.find(|c: char| c.is_ascii_whitespace() || matches!(c, '/' | '>')).unwrap_or(rest.len());
        let (name, attributes) = rest.split_at(name);
        let Some(len) = end_of_attributes(attributes) else {
            // A tag that never ends: a browser drops the rest of the page, here it is text.
            return self.text(self.rest().len());
        };
        self.at += from + name.len() + len + 1;
        let attributes = attributes.get(..len).unwrap_or("");
        if is_end { Token::End(name) } else { Token::Start(Tag { name, attributes }) }
    }

    /// `<!--…-->` (also ended by `--!>`, `<!-->` and `<!--->`), or anything else after `<!`.
    fn comment(&mut self) {
        let Some(comment) = self.rest().strip_prefix("<!--") else {
            return self.skip_to(2, ">");
        };
        if comment.starts_with('>') || comment.starts_with("->") {
            return self.skip_to(4, ">");
        }
        let bytes = comment.as_bytes();
        let end = memchr::memmem::find_iter(bytes, b"--").find_map(|dashes| match bytes.get(dashes + 2..) {
            Some([b'>', ..]) => Some(dashes + 3),
            Some([b'-', b'>', ..]) => Some(dashes + 4),
            Some([b'!', b'>', ..]) => Some(dashes + 4),
            _ => None,
        });
        self.at += 4 + end.unwrap_or(bytes.len());
    }

    fn skip_to(&mut self, from: usize, end: &str) {
        let rest = self.rest().get(from..).unwrap_or("");
        self.at += from + rest.find(end).map_or(rest.len(), |i| i + end.len());
        self.at = self.at.min(self.html.len());
    }

    /// Skips to the end tag of an element whose content is raw text; that content.
    fn raw_text(&mut self, name: &str) -> &'h str {
        let rest = self.rest();
        let bytes = rest.as_bytes();
        let end = memchr::memmem::find_iter(bytes, b"</").find(|at| {
            let after = bytes.get(at + 2..).unwrap_or_default();
            after.get(..name.len()).is_some_and(|n| n.eq_ignore_ascii_case(name.as_bytes()))
                && after.get(name.len()).is_none_or(|b| b.is_ascii_whitespace() || matches!(b, b'/' | b'>'))
        });
        let content = rest.get(..end.unwrap_or(rest.len())).unwrap_or("");
        self.at += content.len();
        content
    }
}

/// Length of the attributes of a tag up to its `>`; quotes count only as the beginning of a value.
fn end_of_attributes(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = 0;
    let mut after_equals = false;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'>' => return Some(at),
            b'"' | b'\'' if after_equals => {
                match memchr::memchr(*byte, bytes.get(at + 1..).unwrap_or_default()) {
                    Some(end) => {
                        at += end + 1;
                        after_equals = false;
                    }
                    // A quote that never closes would swallow the rest of the page: it is a character.
                    None => after_equals = false,
                }
            }
            b'=' => after_equals = true,
            b if b.is_ascii_whitespace() => {}
            _ => after_equals = false,
        }
        at += 1;
    }
    None
}

/// The value of the attribute `name`, references decoded.
fn attribute(attributes: &str, name: &str) -> Option<String> {
    let mut rest = attributes;
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '/');
        if rest.is_empty() {
            return None;
        }
        // An attribute may begin with `=`, which is then part of its name.
        let end = rest
            .char_indices()
            .skip(1)
            .find(|(_, c)| c.is_ascii_whitespace() || matches!(c, '/' | '='))
            .map_or(rest.len(), |(i, _)| i);
        let (key, after) = rest.split_at(end);
        let after = after.trim_start();
        let (value, after) = match after.strip_prefix('=').map(str::trim_start) {
            None => ("", after),
            Some(after) => match after.chars().next() {
                Some(quote @ ('"' | '\'')) => {
                    let inner = after.get(1..).unwrap_or("");
                    inner.split_once(quote).unwrap_or((inner, ""))
                }
                _ => after.split_at(after.find(|c: char| c.is_ascii_whitespace()).unwrap_or(after.len())),
            },
        };
        if key.eq_ignore_ascii_case(name) {
            let mut decoded = String::new();
            push_decoded(value, true, &mut decoded);
            return Some(decoded);
        }
        rest = after;
    }
}

/// The text so far and where it stands.
#[derive(Default)]
struct Page {
    text: String,
    title: Option<String>,
    stopped: Option<usize>,
    /// Depth of `pre` and the like, where white space counts.
    preformatted: u32,
    /// Line breaks that stand before the next word, if the text has begun.
    breaks: usize,
    /// Whether a space or tab does.
    space: Option<char>,
    /// Address of the link that is open, and where its text begins.
    link: Option<(String, usize)>,
    /// Of references decoded last.
    scratch: String,
}

impl Page {
    fn words(&mut self, coded: &str) {
        let mut scratch = std::mem::take(&mut self.scratch);
        let text = if coded.contains('&') {
            scratch.clear();
            push_decoded(coded, false, &mut scratch);
            scratch.as_str()
        } else {
            coded
        };
        if self.preformatted > 0 {
            self.lines(text);
        } else {
            self.flow(text);
        }
        self.scratch = scratch;
    }

    /// Text in which runs of white space are one space.
    fn flow(&mut self, text: &str) {
        let is_space = |c: char| c.is_ascii_whitespace();
        let mut rest = text;
        while !rest.is_empty() {
            let word = rest.trim_start_matches(is_space);
            if word.len() < rest.len() {
                self.space = self.space.or(Some(' '));
            }
            let end = word.find(is_space).unwrap_or(word.len());
            let (word, after) = word.split_at(end);
            self.push(word);
            rest = after;
        }
    }

    /// Text in which white space stands as it is.
    fn lines(&mut self, text: &str) {
        for (i, line) in text.split('\n').enumerate() {
            if i > 0 {
                self.settle();
                self.text.push('\n');
            }
            let line = line.trim_end_matches('\r');
            if !line.is_empty() {
                self.settle();
                self.text.push_str(line);
            }
        }
    }

    fn push(&mut self, word: &str) {
        if !word.is_empty() {
            self.settle();
            self.text.push_str(word);
        }
    }

    /// Writes the white space that was due.
    fn settle(&mut self) {
        let space = self.space.take();
        let breaks = std::mem::take(&mut self.breaks);
        if self.text.is_empty() {
            return;
        }
        if breaks > 0 {
            let have = self.text.bytes().rev().take(2).take_while(|b| *b == b'\n').count();
            self.text.extend(std::iter::repeat_n('\n', breaks.saturating_sub(have)));
        } else if let Some(space) = space {
            self.text.push(space);
        }
    }

    fn block(&mut self, name: &str) {
        let breaks = if SPACED.contains(&name) { 2 } else { 1 };
        self.breaks = self.breaks.max(breaks);
    }

    fn start(&mut self, tag: &Tag, scan: &mut Scan) {
        let Some(name) = Name::of(tag.name) else { return };
        let name = name.as_str();
        match name {
            "title" => {
                let content = scan.raw_text("title");
                let mut title = String::new();
                push_decoded(content, false, &mut title);
                self.title.get_or_insert(title.split_whitespace().collect::<Vec<_>>().join(" "));
            }
            "textarea" | "xmp" => {
                let content = scan.raw_text(name);
                self.block(name);
                self.preformatted += 1;
                if name == "xmp" {
                    self.lines(content)
                } else {
                    self.words(content)
                }
                self.preformatted -= 1;
                self.block(name);
            }
            "plaintext" => {
                let content = scan.rest();
                scan.at = scan.html.len();
                self.block(name);
                self.lines(content);
            }
            "br" => self.breaks = (self.breaks + 1).min(2),
            "hr" => self.block("p"),
            "td" | "th" => self.space = Some('\t'),
            "pre" | "listing" => {
                self.block("pre");
                self.preformatted = self.preformatted.saturating_add(1);
                if scan.rest().starts_with('\n') {
                    scan.at += 1;
                }
            }
            "li" => {
                self.block(name);
                self.push("* ");
            }
            "img" | "area" => {
                if let Some(alt) = attribute(tag.attributes, "alt") {
                    self.flow(&alt);
                }
            }
            "input" => {
                let kind = attribute(tag.attributes, "type").unwrap_or_default().to_ascii_lowercase();
                if !matches!(kind.as_str(), "hidden" | "checkbox" | "radio" | "password")
                    && let Some(value) = attribute(tag.attributes, "value")
                {
                    self.flow(&value);
                }
            }
            "a" => {
                self.close_link();
                let address = attribute(tag.attributes, "href").map(|href| href.trim().to_owned());
                self.link = address.filter(|href| is_shown(href)).map(|href| (href, self.text.len()));
            }
            name if DROPPED.contains(&name) => {
                scan.raw_text(name);
            }
            name if BLOCKS.contains(&name) => self.block(name),
            _ => {}
        }
    }

    fn end(&mut self, name: &str) {
        let Some(name) = Name::of(name) else { return };
        match name.as_str() {
            "a" => self.close_link(),
            "pre" | "listing" => {
                self.preformatted = self.preformatted.saturating_sub(1);
                self.block("pre");
            }
            // A browser makes these out of stray end tags.
            "br" => self.breaks = (self.breaks + 1).min(2),
            name if BLOCKS.contains(&name) => self.block(name),
            _ => {}
        }
    }

    /// Names the address of a link after its text, where the text does not.
    fn close_link(&mut self) {
        let Some((address, from)) = self.link.take() else { return };
        let text = self.text.get(from..).unwrap_or("").trim();
        let bare = address.strip_prefix("mailto:").unwrap_or(&address);
        if text == address || text == bare {
            return;
        }
        if self.breaks == 0 {
            self.space = Some(' ');
        }
        self.settle();
        // Writing to a String cannot fail.
        let _ = write!(self.text, "<{address}>");
    }
}

/// Addresses that say something: not places on the page itself, scripts or embedded data.
fn is_shown(href: &str) -> bool {
    let scheme = href.get(..href.len().min(12)).unwrap_or(href).to_ascii_lowercase();
    !href.is_empty()
        && href.len() <= LINK
        && !href.starts_with('#')
        && !["javascript:", "data:", "cid:", "mid:", "about:"].iter().any(|s| scheme.starts_with(s))
}

/// A short element name in lower case.
struct Name([u8; NAME], usize);

impl Name {
    fn of(name: &str) -> Option<Name> {
        let mut lower = [0; NAME];
        let to = lower.get_mut(..name.len())?;
        to.copy_from_slice(name.as_bytes());
        to.make_ascii_lowercase();
        Some(Name(lower, name.len()))
    }

    fn as_str(&self) -> &str {
        self.0.get(..self.1).and_then(|name| std::str::from_utf8(name).ok()).unwrap_or("")
    }
}

/// Appends `text` with its character references decoded (WHATWG HTML §13.2.5.72 and on).
fn push_decoded(text: &str, in_attribute: bool, to: &mut String) {
    let mut rest = text;
    while let Some(amp) = memchr::memchr(b'&', rest.as_bytes()) {
        let (before, from_amp) = rest.split_at(amp);
        to.push_str(before);
        let used = reference(from_amp, in_attribute, to).unwrap_or_else(|| {
            to.push('&');
            1
        });
        rest = from_amp.get(used..).unwrap_or("");
    }
    to.push_str(rest);
}

/// Decodes one reference at the beginning of `text`; its length.
fn reference(text: &str, in_attribute: bool, to: &mut String) -> Option<usize> {
    let body = text.strip_prefix('&')?;
    if let Some(number) = body.strip_prefix('#') {
        let (digits, radix, prefix) = match number.strip_prefix(['x', 'X']) {
            Some(hex) => (hex, 16, 3),
            None => (number, 10, 2),
        };
        let len = digits.bytes().take_while(|b| char::from(*b).is_digit(radix)).count();
        if len == 0 {
            return None;
        }
        // As many digits as matter; more of them are beyond Unicode or leading zeros.
        let digits_only = digits.get(..len)?.trim_start_matches('0');
        let code = match digits_only.len() {
            0 => 0,
            1..=8 => u32::from_str_radix(digits_only, radix).unwrap_or(u32::MAX),
            _ => u32::MAX,
        };
        to.push(numbered(code));
        let semicolon = usize::from(digits.as_bytes().get(len) == Some(&b';'));
        return Some(prefix + len + semicolon);
    }
    // The longest name in the table has 32 characters.
    let len = body.bytes().take(32).take_while(u8::is_ascii_alphanumeric).count();
    let with_semicolon = len + usize::from(body.as_bytes().get(len) == Some(&b';'));
    for end in (2..=with_semicolon).rev() {
        let name = body.get(..end)?;
        let Some((first, second)) = NAMED_ENTITIES.get(name).filter(|(first, _)| *first != 0) else {
            continue;
        };
        if in_attribute
            && !name.ends_with(';')
            && body.as_bytes().get(end).is_some_and(|b| *b == b'=' || b.is_ascii_alphanumeric())
        {
            return None;
        }
        to.extend([*first, *second].into_iter().filter(|c| *c != 0).filter_map(char::from_u32));
        return Some(1 + end);
    }
    None
}

/// A numeric reference: those to C1 controls mean windows-1252 (§13.2.5.80).
fn numbered(code: u32) -> char {
    match code {
        0x80..=0x9f => {
            let byte = [code as u8];
            let (text, _) = encoding_rs::WINDOWS_1252.decode_without_bom_handling(&byte);
            text.chars().next().unwrap_or(char::REPLACEMENT_CHARACTER)
        }
        0 => char::REPLACEMENT_CHARACTER,
        code => char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(html: &str) -> String {
        html_to_text(html, usize::MAX).text
    }

    #[test]
    fn pages() {
        for (html, expect) in [
            ("", ""),
            ("plain  words\n here", "plain words here"),
            ("<p>one<p>two", "one\n\ntwo"),
            ("a<br>b<br/>c<br><br>d", "a\nb\nc\n\nd"),
            ("<div>a</div><div>b</div>", "a\nb"),
            ("<table><tr><td>a<td>b</tr><tr><td>c</td><td>d</td></tr></table>", "a\tb\nc\td"),
            ("<head><title>T &amp; t</title><style>p{}</style></head><body>x", "x"),
            ("<script>if (a<b) '</scrip>'</script >x", "x"),
            ("a<!-- <b>no</b> -->b<!-->c<!--->d<!---->e--!>f", "abcde--!>f"),
            ("<!doctype html><?xml x?></ x>y", "y"),
            ("<b>bo</b>ld", "bold"),
            ("<a href=https://x.example/?a=1&amp;b=2>here</a> ok", "here <https://x.example/?a=1&b=2> ok"),
            ("<a href='https://x.example'>https://x.example</a>", "https://x.example"),
            ("<a href=\"mailto:a@b.example\">a@b.example</a>", "a@b.example"),
            ("<a href=\"javascript:alert(1)\">go</a><a href='#top'>up</a>", "goup"),
            ("<img src=x alt='A chart'> of", "A chart of"),
            ("<img src=\"a>b\" alt=\"x\">y", "xy"),
            ("<pre>\n a\n  b</pre>c", " a\n  b\n\nc"),
            ("<ul><li>one</li><li>two</li></ul>", "* one\n* two"),
            ("<textarea>a\n b</textarea>", "a\n b"),
            ("<input type=hidden value=no><input value=yes>", "yes"),
            (
                "&lt;b&gt; &eacute; &#233;&#xE9; &#128; &nbsp;. &amp &copy2 &notit; &unknown; &#; &",
                "<b> é éé € \u{a0}. & ©2 ¬it; &unknown; &#; &",
            ),
            ("&#0; &#x110000; &#99999999999999999999;", "\u{fffd} \u{fffd} \u{fffd}"),
            ("1 < 2 <3 << <", "1 < 2 <3 << <"),
            ("<p title=\"never closed>text", "text"),
            ("<P STYLE='display:none'>Hidden</P><SCRIPT>x</SCRIPT>", "Hidden"),
            ("a<o:p></o:p>b", "ab"),
            ("<plaintext><b>", "<b>"),
            ("x</br>y", "x\ny"),
            ("a <x", "a <x"),
        ] {
            assert_eq!(text(html), expect, "{html}");
        }
    }

    #[test]
    fn the_title_stands_apart() {
        let page = html_to_text("<title> A\n&amp; B </title>x", 100);
        assert_eq!((page.title.as_deref(), page.text.as_str()), (Some("A & B"), "x"));
    }

    #[test]
    fn declared_charsets() {
        for (page, expect) in [
            ("<meta charset=UTF-8>", Some("utf-8")),
            ("<META http-equiv=Content-Type content='text/html; charset=koi8-r'>", Some("koi8-r")),
            ("<meta name=x><meta charset = \"gb2312\" />", Some("gb2312")),
            ("<p>charset=utf-8", None),
            ("<meta charset=>", None),
        ] {
            assert_eq!(declared_charset(page.as_bytes()).as_deref(), expect, "{page}");
        }
    }

    #[test]
    fn a_budget_stops_it() {
        let html = "<p>words words words".repeat(1000);
        let page = html_to_text(&html, 1000);
        assert!(page.text.len() >= 1000 && page.text.len() < 1100);
        assert!(page.stopped.is_some_and(|at| at < 2000));
    }

    #[test]
    fn hostile_pages_cost_linear_time() {
        for piece in [
            "<",
            "</",
            "<!",
            "<!--",
            "<!--a--",
            "&",
            "&#",
            "&#x",
            "<a ",
            "<a href=\"",
            "<b c",
            " a=\"",
            "<script>",
            "</script",
            "<div>",
            "<pre>",
            "--",
            "<a href=x>",
        ] {
            let html = piece.repeat((4 << 20) / piece.len());
            let page = html_to_text(&html, usize::MAX);
            assert!(page.text.len() <= 2 * html.len(), "{piece}");
        }
        let attributes = format!("<b {}>x", "a=1 b c='2' ".repeat(200_000));
        assert_eq!(text(&attributes), "x");
    }
}
