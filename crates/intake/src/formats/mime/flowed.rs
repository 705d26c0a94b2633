//! Text that is not set as it is read: `format=flowed` (RFC 3676), `text/enriched` (RFC 1896) and
//! `text/richtext` (RFC 1341).

/// Joins the lines of paragraphs. Quoted lines keep their depth as `>` characters.
pub(super) fn flowed(text: &str, delete_space: bool) -> String {
    let mut out = String::with_capacity(text.len());
    // Depth of the paragraph that is open, i.e. whose last line was soft.
    let mut open: Option<usize> = None;
    for line in text.split_inclusive('\n') {
        let content = line.trim_end_matches(['\r', '\n']);
        let is_last = content.len() == line.len();
        let depth = content.bytes().take_while(|b| *b == b'>').count();
        let content = content.get(depth..).unwrap_or("");
        let content = content.strip_prefix(' ').unwrap_or(content);
        if open.is_some_and(|open| open != depth || content == "-- ") {
            // A soft line break before another depth or a signature is a hard one (§4.5).
            out.push('\n');
            open = None;
        }
        if open.is_none() && depth > 0 {
            out.extend(std::iter::repeat_n('>', depth));
            out.push(' ');
        }
        let soft = content.ends_with(' ') && content != "-- ";
        out.push_str(if soft && delete_space {
            content.strip_suffix(' ').unwrap_or(content)
        } else {
            content
        });
        open = soft.then_some(depth);
        if !soft && !is_last {
            out.push('\n');
        }
    }
    out
}

/// The text of enriched or rich text: commands go, with the content of `param` and `comment`; a single
/// line break is a space in enriched text, and means nothing in rich text, which has `nl`.
pub(super) fn enriched(text: &str, is_richtext: bool) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut hidden = 0usize;
    while let Some(at) = rest.find(['<', '\n']) {
        let (before, from) = rest.split_at(at);
        push(before.trim_end_matches('\r'), hidden, &mut out);
        if from.starts_with('\n') {
            let breaks = from.bytes().take_while(|b| matches!(b, b'\n' | b'\r')).count();
            let (run, after) = from.split_at(breaks);
            let lines = run.matches('\n').count();
            let shown = if is_richtext || lines == 1 { " ".to_owned() } else { "\n".repeat(lines - 1) };
            push(&shown, hidden, &mut out);
            rest = after;
        } else if let Some(after) = from.strip_prefix("<<") {
            push("<", hidden, &mut out);
            rest = after;
        } else {
            // Commands have at most 60 characters.
            let end = from.bytes().take(64).position(|b| b == b'>');
            let Some(command) = end.and_then(|end| from.get(1..end)) else {
                push("<", hidden, &mut out);
                rest = from.get(1..).unwrap_or("");
                continue;
            };
            match command.to_ascii_lowercase().as_str() {
                "param" | "comment" => hidden += 1,
                "/param" | "/comment" => hidden = hidden.saturating_sub(1),
                "lt" => push("<", hidden, &mut out),
                "nl" | "np" | "/paragraph" => push("\n", hidden, &mut out),
                _ => {}
            }
            rest = from.get(command.len() + 2..).unwrap_or("");
        }
    }
    push(rest, hidden, &mut out);
    out
}

fn push(text: &str, hidden: usize, out: &mut String) {
    if hidden == 0 {
        out.push_str(text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paragraphs() {
        for (text, delete, expect) in [
            ("", false, ""),
            ("one \ntwo\nthree", false, "one two\nthree"),
            ("one \r\ntwo\r\n", false, "one two\n"),
            ("one \ntwo\n", true, "onetwo\n"),
            (" >not quoted\n From\n", false, ">not quoted\nFrom\n"),
            (">> a \n>> b\n> c \nd\n", false, ">> a b\n> c \nd\n"),
            ("soft \n-- \nsig\n", false, "soft \n-- \nsig\n"),
            ("a \n\nb", false, "a \nb"),
            ("end ", false, "end "),
        ] {
            assert_eq!(flowed(text, delete), expect, "{text}");
        }
    }

    #[test]
    fn commands() {
        for (text, rich, expect) in [
            ("<bold>a</bold> << b", false, "a < b"),
            ("<color><param>red</param>a</color>", false, "a"),
            ("a\nb\n\nc\n\n\nd", false, "a b\nc\n\nd"),
            ("a<nl>b<lt>c<comment>no</comment>\nd", true, "a\nb<c d"),
            ("1 < 2", false, "1 < 2"),
            ("<", false, "<"),
        ] {
            assert_eq!(enriched(text, rich), expect, "{text}");
        }
    }
}
