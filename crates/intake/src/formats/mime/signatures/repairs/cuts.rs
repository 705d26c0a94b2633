//! What lists and gateways add to a text, found by the way it looks: footers at its end, banners at its
//! beginning. Only what stands in the text itself is used; nothing is learnt from other mail.

use std::ops::Range;

use crate::source::Source;

/// Bytes at the end that are searched for a footer.
const FOOT: u64 = 64 << 10;
/// Footers that are tried: the last separators.
const FOOTERS: usize = 6;
/// Bytes at the beginning that are searched for a banner.
const HEAD: u64 = 8 << 10;

/// Where a footer of plain text may begin, the last separator first: offsets of the line break before it.
pub(super) fn footers(source: &Source, body: &Range<u64>) -> Vec<u64> {
    let start = body.start.max(body.end.saturating_sub(FOOT));
    let tail = source.take(start..body.end);
    let mut cuts = Vec::new();
    let mut paragraph = None;
    let mut end = tail.len();
    // Lines from the back; `at` is where one begins.
    while end > 0 && cuts.len() < FOOTERS {
        let before = tail.get(..end).unwrap_or_default();
        let text = before.strip_suffix(b"\n").unwrap_or(before);
        let at = memchr::memrchr(b'\n', text).map_or(0, |line_break| line_break + 1);
        let line = text.get(at..).unwrap_or_default();
        let is_first_of_body = at == 0 && start == body.start;
        let is_whole = at > 0 || is_first_of_body;
        if is_whole && !is_first_of_body && is_separator(line) {
            cuts.push(start + line_break_before(&tail, at) as u64);
        }
        let is_blank = line.trim_ascii().is_empty();
        let has_text = !tail.get(end..).unwrap_or_default().trim_ascii().is_empty();
        if is_blank && has_text && paragraph.is_none() && at > 0 {
            paragraph = Some(start + at as u64);
        }
        end = at;
    }
    cuts.extend(paragraph);
    cuts
}

/// A line that mail programs and lists put before a footer.
fn is_separator(line: &[u8]) -> bool {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let text = line.trim_ascii_end();
    let run = |byte: u8, least: usize| text.len() >= least && text.iter().all(|b| *b == byte);
    // As it stands, or in quoted-printable.
    matches!(text, b"--" | b"--=20") || run(b'_', 20) || run(b'-', 20) || run(b'=', 8)
}

/// Where the line break before `at` begins.
fn line_break_before(bytes: &[u8], at: usize) -> usize {
    match bytes.get(..at).unwrap_or_default() {
        [.., b'\r', b'\n'] => at - 2,
        [.., b'\n'] => at - 1,
        _ => at,
    }
}

/// What Google Groups and others begin a footer with in HTML.
const HTML_FOOTERS: [&[u8]; 3] =
    [b"<p></p>", b"-- <br", b"_______________________________________________<br"];

/// Where the footer in a leaf of a multipart may begin, with `keep` of the line breaks before it kept.
pub(super) fn leaf_footer(source: &Source, body: &Range<u64>, is_html: bool, keep: usize) -> Option<u64> {
    let start = body.start.max(body.end.saturating_sub(FOOT));
    let tail = source.take(start..body.end);
    let mut at = if is_html {
        HTML_FOOTERS.iter().find_map(|mark| memchr::memmem::rfind(&tail, mark))?
    } else {
        let first = footers(source, body).into_iter().next()?;
        usize::try_from(first - start).ok()?
    };
    let mut breaks = Vec::new();
    loop {
        breaks.push(at);
        let before = line_break_before(&tail, at);
        if before == at {
            break;
        }
        at = before;
    }
    // Counted from the text on.
    let cut = breaks.len().checked_sub(keep + 1).and_then(|index| breaks.get(index))?;
    Some(start + *cut as u64)
}

/// Sentences of banners, in lower case.
const BANNERS: [&str; 14] = [
    "this email originated",
    "this e-mail originated",
    "this message originated",
    "this message was sent from outside",
    "this email was sent from outside",
    "email from outside",
    "[external",
    "external email",
    "external sender",
    "originated outside",
    "caution:",
    "ce message provient d",
    "ce courriel provient d",
    "expéditeur externe",
];

/// The banner at the beginning of a text: ranges that may be it, the longest first.
pub(super) fn banner(source: &Source, body: &Range<u64>, is_html: bool) -> Vec<Range<u64>> {
    let head = source.take(body.start..body.end.min(body.start + HEAD));
    let found = if is_html { html_banner(&head) } else { text_banner(&head) };
    let at = |range: Range<usize>| body.start + range.start as u64..body.start + range.end as u64;
    found.into_iter().filter(|range| range.end < head.len()).map(at).collect()
}

fn is_banner(text: &[u8]) -> bool {
    let text = String::from_utf8_lossy(text).to_lowercase();
    BANNERS.iter().any(|banner| text.contains(banner))
}

/// The first paragraph with the empty lines after it, and the first line.
fn text_banner(head: &[u8]) -> Vec<Range<usize>> {
    let mut at = 0;
    let (mut first_line, mut in_text) = (None, false);
    for line in head.split_inclusive(|b| *b == b'\n') {
        let is_blank = line.trim_ascii().is_empty();
        if is_blank && in_text {
            let is = head.get(..at).is_some_and(is_banner);
            let blank = head.get(at..).unwrap_or_default();
            let blanks = blank.iter().take_while(|b| matches!(b, b'\r' | b'\n')).count();
            let mut ranges = if is { vec![0..at + blanks, 0..at + line.len()] } else { Vec::new() };
            ranges.extend(first_line.filter(|end| head.get(..*end).is_some_and(is_banner)).map(|end| 0..end));
            ranges.dedup();
            return ranges;
        }
        at += line.len();
        if !is_blank {
            first_line = first_line.or(Some(at));
            in_text = true;
        }
    }
    first_line.filter(|end| head.get(..*end).is_some_and(is_banner)).map(|end| 0..end).into_iter().collect()
}

/// The first element of the body, to the end of the first or the last element of its kind that closes
/// before the text goes on.
fn html_banner(head: &[u8]) -> Vec<Range<usize>> {
    let lower = head.to_ascii_lowercase();
    let body = memchr::memmem::find(&lower, b"<body")
        .and_then(|at| lower.get(at..).and_then(|rest| memchr::memchr(b'>', rest)).map(|end| at + end + 1));
    let start = body.unwrap_or(0);
    let rest = lower.get(start..).unwrap_or_default();
    let lead = rest.iter().take_while(|b| b.is_ascii_whitespace()).count();
    let rest = rest.get(lead..).unwrap_or_default();
    let Some(name) = ["div", "table", "p", "span"].into_iter().find(|name| {
        let open = format!("<{name}");
        rest.starts_with(open.as_bytes())
            && rest.get(open.len()).is_some_and(|b| matches!(b, b'>' | b' ' | b'\r' | b'\n'))
    }) else {
        return Vec::new();
    };
    let (open, close) = (format!("<{name}"), format!("</{name}>"));
    let (mut at, mut depth) = (0usize, 0usize);
    loop {
        let from = rest.get(at..).unwrap_or_default();
        let next_open = memchr::memmem::find(from, open.as_bytes());
        let Some(next_close) = memchr::memmem::find(from, close.as_bytes()) else { return Vec::new() };
        match next_open.filter(|next| *next < next_close) {
            Some(next) => {
                depth += 1;
                at += next + open.len();
            }
            None => {
                depth = depth.saturating_sub(1);
                at += next_close + close.len();
                if depth == 0 {
                    break;
                }
            }
        }
    }
    if !rest.get(..at).is_some_and(is_banner) {
        return Vec::new();
    }
    let after = rest.get(at..).unwrap_or_default();
    let tail = match after {
        [b'\r', b'\n', ..] => 2,
        [b'\n', ..] => 1,
        _ => 0,
    };
    let begin = start + lead;
    let mut ranges = vec![begin..begin + at, begin..begin + at + tail, start..begin + at];
    if after.starts_with(b"<br>") {
        ranges.push(begin..begin + at + 4);
    }
    ranges.dedup();
    ranges
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(body: &str) -> Vec<&str> {
        let slice = body.as_bytes();
        let source = Source::new(&slice, 0, slice.len() as u64);
        footers(&source, &(0..slice.len() as u64)).into_iter().map(|at| &body[..at as usize]).collect()
    }

    #[test]
    fn footers_are_cut_from_the_back() {
        let line = "_".repeat(47);
        for (body, expect) in [
            ("text\n".to_owned(), vec![]),
            ("text\n-- \nname\n".to_owned(), vec!["text"]),
            (format!("a\r\n\r\n-- \r\nb\r\n{line}\r\nlist\r\n"), vec!["a\r\n\r\n-- \r\nb", "a\r\n", "a\r\n"]),
            ("a\n\nlast words\n".to_owned(), vec!["a\n"]),
            ("a\n--=20\nname=\n\n".to_owned(), vec!["a"]),
            ("--\nonly a signature\n".to_owned(), vec![]),
            (format!("{line}\n"), vec![]),
        ] {
            assert_eq!(cut(&body), expect, "{body:?}");
        }
        let many = "x\n-- \n".repeat(50_000);
        assert_eq!(cut(&many).len(), FOOTERS);
    }

    #[test]
    fn footers_of_leaves() {
        let html = "<div>a</div>\r\n\r\n<p></p>\r\n\r\n-- <br />\r\nYou received this message\r\n";
        let plain = "a\r\n\r\n-- \r\nYou received this message\r\n";
        for (body, is_html, keep, expect) in [
            (html, true, 0, Some("<div>a</div>")),
            (html, true, 1, Some("<div>a</div>\r\n")),
            (html, true, 3, None),
            (plain, false, 0, Some("a")),
            (plain, false, 1, Some("a\r\n")),
            ("<p>no footer", true, 0, None),
        ] {
            let slice = body.as_bytes();
            let source = Source::new(&slice, 0, slice.len() as u64);
            let cut = leaf_footer(&source, &(0..slice.len() as u64), is_html, keep);
            assert_eq!(cut.map(|at| &body[..at as usize]), expect, "{body:?} {keep}");
        }
    }

    #[test]
    fn banners() {
        for (body, is_html, expect) in [
            (
                "CAUTION: This email originated from outside.\r\n\r\nHello\r\n",
                false,
                vec!["Hello\r\n", "\r\nHello\r\n"],
            ),
            ("Hello, use caution: it is hot\nand more\n\nBye\n", false, vec!["Bye\n", "and more\n\nBye\n"]),
            ("Hello\r\n\r\nThis email originated here.\r\n", false, vec![]),
            (
                "<html><body>\n<div style=\"x\"><div>External Email</div></div>\n<p>Hello</body>",
                true,
                vec![
                    "<html><body>\n\n<p>Hello</body>",
                    "<html><body>\n<p>Hello</body>",
                    "<html><body>\n<p>Hello</body>",
                ],
            ),
            ("<html><body><p>Hello</p></body>", true, vec![]),
            ("<p>unclosed external email", true, vec![]),
        ] {
            let slice = body.as_bytes();
            let source = Source::new(&slice, 0, slice.len() as u64);
            let got: Vec<String> = banner(&source, &(0..slice.len() as u64), is_html)
                .into_iter()
                .map(|cut| format!("{}{}", &body[..cut.start as usize], &body[cut.end as usize..]))
                .collect();
            assert_eq!(got.iter().map(String::as_str).take(3).collect::<Vec<_>>(), expect, "{body:?}");
        }
    }

    #[test]
    fn hostile_tails_cost_linear_time() {
        for piece in ["\n", "-- \n", "<div>", "</div>", "<div></div>", "external email ", "<p></p>\n", "_"] {
            let body = piece.repeat((256 << 10) / piece.len());
            let slice = body.as_bytes();
            let source = Source::new(&slice, 0, slice.len() as u64);
            let all = 0..slice.len() as u64;
            footers(&source, &all);
            banner(&source, &all, true);
            banner(&source, &all, false);
            leaf_footer(&source, &all, true, 1);
        }
    }
}
