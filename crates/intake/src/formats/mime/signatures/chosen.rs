//! Which header fields a signature covers, and the bytes that are hashed over them.

use std::{borrow::Cow, collections::BTreeMap};

use super::{
    canon::HeaderForm,
    fields::{Kind, Parsed, Scheme, instance},
    tags::Tags,
};
use crate::formats::mime::header::{Eol, Field};

/// Fields of a header that people see (evidence: "signed, unchanged" needs each of them signed).
pub(super) const VISIBLE: [&str; 7] = ["from", "sender", "reply-to", "to", "cc", "date", "subject"];

/// A message's header as signatures see it.
pub(super) struct Fields<'a> {
    bytes: &'a [u8],
    list: &'a [Field],
    pub eol: Eol,
    /// Positions of fields by lower-case name, from the top.
    by_name: BTreeMap<Vec<u8>, Vec<usize>>,
    /// Positions of the fields of a chain by instance and place in [`SET`].
    sets: BTreeMap<(u32, usize), Vec<usize>>,
}

/// The fields of one set of a chain, in the order in which they are hashed (RFC 8617 §5.1.1).
const SET: [&str; 3] = ["arc-authentication-results", "arc-message-signature", "arc-seal"];

/// A header that is read in another way than it stands.
#[derive(Debug, Default, Clone)]
pub(super) struct Changes {
    /// Fields of a name, from the top, instead of those that stand there.
    pub fields: Vec<(String, Vec<Vec<u8>>)>,
    /// Of fields that stand more than once, the first is taken first.
    pub top_down: bool,
    /// What is done to white space of every field.
    pub spaces: Option<Spaces>,
    /// Another canonical form.
    pub form: Option<HeaderForm>,
}

/// What transports do to white space.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spaces {
    /// Folds go.
    Unfold,
    /// Folds that begin with a tab begin with a space.
    FoldWithSpace,
    /// Folds that begin with a space begin with a tab.
    FoldWithTab,
    /// One space follows the colon.
    OneAfterColon,
}

impl<'a> Fields<'a> {
    pub(super) fn new(bytes: &'a [u8], list: &'a [Field], eol: Eol) -> Fields<'a> {
        let mut by_name: BTreeMap<Vec<u8>, Vec<usize>> = BTreeMap::new();
        for (i, field) in list.iter().enumerate() {
            let name = bytes.get(field.name.clone()).unwrap_or_default();
            if !name.is_empty() {
                by_name.entry(name.to_ascii_lowercase()).or_default().push(i);
            }
        }
        let mut fields = Fields { bytes, list, eol, by_name, sets: BTreeMap::new() };
        if fields.has("arc-seal") {
            fields.sets = fields.sets();
        }
        fields
    }

    fn sets(&self) -> BTreeMap<(u32, usize), Vec<usize>> {
        let mut sets: BTreeMap<(u32, usize), Vec<usize>> = BTreeMap::new();
        for (place, name) in SET.iter().enumerate() {
            for index in self.named(name) {
                if let Some(number) = Tags::parse_first(self.value(*index), b"i").and_then(instance) {
                    sets.entry((number, place)).or_default().push(*index);
                }
            }
        }
        sets
    }

    /// Positions of the fields of a lower-case name.
    pub(super) fn named(&self, name: &str) -> &[usize] {
        self.by_name.get(name.as_bytes()).map_or(&[], Vec::as_slice)
    }

    /// A field without its final line break, and nothing else missing.
    pub(super) fn raw(&self, index: usize) -> &'a [u8] {
        let field = self.list.get(index).and_then(|field| self.bytes.get(field.range.clone()));
        let field = field.unwrap_or_default();
        match (self.eol, field.strip_suffix(b"\n")) {
            (Eol::Lf, Some(field)) => field.strip_suffix(b"\r").unwrap_or(field),
            (Eol::Lf, None) => field,
            (Eol::Cr, _) => field.strip_suffix(b"\r").unwrap_or(field),
        }
    }

    /// What follows the colon of a field.
    pub(super) fn value(&self, index: usize) -> &'a [u8] {
        after_colon(self.raw(index))
    }

    /// The value of the first field of a name, unfolded, white space round it gone.
    pub(super) fn first(&self, name: &str) -> Option<Cow<'a, [u8]>> {
        let value = self.value(*self.named(name).first()?);
        Some(match crate::formats::mime::header::unfold(value, self.eol) {
            Cow::Borrowed(value) => Cow::Borrowed(value.trim_ascii()),
            Cow::Owned(value) => Cow::Owned(value.trim_ascii().to_vec()),
        })
    }

    pub(super) fn has(&self, name: &str) -> bool {
        !self.named(name).is_empty()
    }

    /// How many fields of a name a signature covers, of how many there are.
    pub(super) fn covered(&self, parsed: &Parsed, own: usize, name: &str) -> (usize, usize) {
        let all = self.named(name);
        let listed = parsed.row.signed_headers.iter().filter(|listed| *listed == name).count();
        let covered = match parsed.scheme {
            Scheme::Apart | Scheme::Together => listed.min(all.len()),
            Scheme::DomainKeys if listed > 0 || !parsed.has_names => {
                all.iter().filter(|index| **index > own).count()
            }
            Scheme::DomainKeys | Scheme::Chain => 0,
        };
        (covered, all.len())
    }

    /// Fills in what a signature covers of the header.
    pub(super) fn coverage(&self, parsed: &mut Parsed, own: usize) {
        for name in VISIBLE {
            let (covered, all) = self.covered(parsed, own, name);
            if covered < all {
                parsed.row.unsigned_visible.push(name.to_owned());
            }
            if all > 1 {
                parsed.row.doubled_visible.push(name.to_owned());
            }
        }
        if matches!(parsed.scheme, Scheme::Apart | Scheme::Together) {
            let mut listed: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
            for (i, name) in parsed.row.signed_headers.iter().enumerate() {
                listed.entry(name).or_insert((i, 0)).1 += 1;
            }
            let mut over: Vec<(usize, String)> = Vec::new();
            for (name, (first, count)) in listed {
                let there = self.named(name).iter().filter(|index| **index != own).count();
                if count > there {
                    over.push((first, name.to_owned()));
                }
            }
            over.sort_unstable();
            parsed.row.oversigned = over.into_iter().map(|(_, name)| name).collect();
        }
    }

    /// The bytes whose digest is signed, of a signature that hashes its body apart.
    pub(super) fn data(&self, parsed: &Parsed, own: usize, changes: &Changes) -> Vec<u8> {
        let form = changes.form.unwrap_or(parsed.header);
        let mut data = self.lines(parsed, own, changes);
        self.own(parsed, own, form, changes.spaces, &mut data);
        data
    }

    /// The fields that `h=` lists, canonical, each with its CRLF.
    pub(super) fn lines(&self, parsed: &Parsed, own: usize, changes: &Changes) -> Vec<u8> {
        let form = changes.form.unwrap_or(parsed.header);
        let mut lines = Vec::new();
        let mut used: BTreeMap<&str, usize> = BTreeMap::new();
        for name in &parsed.row.signed_headers {
            let used = used.entry(name).or_default();
            let Some(field) = self.nth(name, *used, own, changes) else { continue };
            *used += 1;
            form.append(&spaced(&field, changes.spaces, self.eol), self.eol, &mut lines);
        }
        lines
    }

    /// The field of a name that is taken after `used` others were: from the bottom up.
    fn nth<'c>(&self, name: &str, used: usize, own: usize, changes: &'c Changes) -> Option<Cow<'c, [u8]>>
    where
        'a: 'c,
    {
        if let Some((_, fields)) = changes.fields.iter().find(|(changed, _)| changed == name) {
            let index = if changes.top_down { Some(used) } else { (fields.len()).checked_sub(used + 1) };
            return fields.get(index?).map(|field| Cow::Borrowed(field.as_slice()));
        }
        // A signature's own field is never among those it chooses from.
        let all = self.named(name);
        let skip = all.binary_search(&own).ok();
        let at = if changes.top_down {
            used + usize::from(skip.is_some_and(|skip| skip <= used))
        } else {
            let at = all.len().checked_sub(used + 1)?;
            at.checked_sub(usize::from(skip.is_some_and(|skip| skip >= at)))?
        };
        all.get(at).map(|index| Cow::Borrowed(self.raw(*index)))
    }

    /// Appends the signature's own field with `b=` emptied, canonical, without a final CRLF.
    pub(super) fn own(
        &self,
        parsed: &Parsed,
        own: usize,
        form: HeaderForm,
        spaces: Option<Spaces>,
        to: &mut Vec<u8>,
    ) {
        let raw = self.raw(own);
        let value = raw.len() - after_colon(raw).len();
        let before = raw.get(..value + parsed.signature.start).unwrap_or_default();
        let after = raw.get(value + parsed.signature.end..).unwrap_or_default();
        let emptied = [before, after].concat();
        form.append(&spaced(&emptied, spaces, self.eol), self.eol, to);
        to.truncate(to.len().saturating_sub(2));
    }

    /// What a DomainKeys signature covers of the header, each field with its CRLF. `listed_order`: in the
    /// order of `h=`, as some signed, instead of the mail's.
    pub(super) fn domain_keys(
        &self,
        parsed: &Parsed,
        own: usize,
        changes: &Changes,
        listed_order: bool,
    ) -> Vec<u8> {
        let mut lines = Vec::new();
        let mut append = |index: usize| {
            let name = self.list.get(index).and_then(|field| self.bytes.get(field.name.clone()));
            let name = String::from_utf8_lossy(name.unwrap_or_default()).to_ascii_lowercase();
            let changed = changes.fields.iter().find(|(changed, _)| *changed == name);
            let field = changed.and_then(|(_, fields)| fields.first()).map(Vec::as_slice);
            parsed.header.append(field.unwrap_or_else(|| self.raw(index)), self.eol, &mut lines);
        };
        if !parsed.has_names {
            (own + 1..self.list.len()).for_each(append);
        } else if listed_order {
            self.in_listed_order(parsed, own).into_iter().for_each(append);
        } else {
            let mut names: Vec<&str> = parsed.row.signed_headers.iter().map(String::as_str).collect();
            names.sort_unstable();
            names.dedup();
            let mut chosen: Vec<usize> =
                names.iter().flat_map(|name| self.named(name).iter().copied()).filter(|i| *i > own).collect();
            chosen.sort_unstable();
            chosen.iter().copied().for_each(&mut append);
        }
        lines
    }

    /// Fields below the signature in the order of `h=`: a name that is listed n times takes its last n − 1
    /// fields one by one, and all others where it is listed first (RFC 4870 §3.4.2.3).
    fn in_listed_order(&self, parsed: &Parsed, own: usize) -> Vec<usize> {
        let mut left: BTreeMap<&str, (usize, Vec<usize>)> = BTreeMap::new();
        for name in &parsed.row.signed_headers {
            left.entry(name)
                .or_insert_with(|| (0, self.named(name).iter().copied().filter(|i| *i > own).collect()))
                .0 += 1;
        }
        let mut chosen = Vec::new();
        for name in parsed.row.signed_headers.iter().rev() {
            let Some((count, fields)) = left.get_mut(name.as_str()) else { continue };
            *count -= 1;
            match *count {
                0 => chosen.extend(std::mem::take(fields).into_iter().rev()),
                _ => chosen.extend(fields.pop()),
            }
        }
        chosen.reverse();
        chosen
    }

    /// The fields of an ARC chain's sets up to the instance of a seal, in the order in which they are hashed
    /// (RFC 8617 §5.1.1). `Err`: one word for what keeps the chain from being one.
    pub(super) fn sets_of(&self, parsed: &Parsed) -> Result<Vec<usize>, &'static str> {
        let mut chain = Vec::new();
        for number in 1..=parsed.row.instance.ok_or("instance")? {
            for place in 0..SET.len() {
                match self.sets.get(&(number, place)).map(Vec::as_slice) {
                    Some([index]) => chain.push(*index),
                    Some([_, ..]) => return Err("chain-doubled"),
                    Some([]) | None => return Err("chain-gap"),
                }
            }
        }
        Ok(chain)
    }

    /// The bytes whose digest a seal signs.
    pub(super) fn chain(&self, parsed: &Parsed, own: usize) -> Vec<u8> {
        let mut data = Vec::new();
        for index in self.sets_of(parsed).unwrap_or_default() {
            match index == own {
                true => self.own(parsed, own, HeaderForm::Relaxed, None, &mut data),
                false => HeaderForm::Relaxed.append(self.raw(index), self.eol, &mut data),
            }
        }
        data
    }

    /// The signature fields, from the top.
    pub(super) fn signatures(&self) -> impl Iterator<Item = (usize, Kind)> {
        let kinds = |i: usize, field: &Field| {
            self.bytes.get(field.name.clone()).and_then(Kind::of).map(|kind| (i, kind))
        };
        self.list.iter().enumerate().filter_map(move |(i, field)| kinds(i, field))
    }
}

/// What follows the first colon.
pub(super) fn after_colon(field: &[u8]) -> &[u8] {
    memchr::memchr(b':', field).and_then(|colon| field.get(colon + 1..)).unwrap_or_default()
}

/// A field with its white space changed.
fn spaced(field: &[u8], spaces: Option<Spaces>, eol: Eol) -> Cow<'_, [u8]> {
    let Some(spaces) = spaces else { return Cow::Borrowed(field) };
    let colon = memchr::memchr(b':', field).map_or(0, |colon| colon + 1);
    let (name, value) = field.split_at(colon);
    let mut changed = name.to_vec();
    if spaces == Spaces::OneAfterColon {
        let text = value.iter().position(|b| !matches!(b, b' ' | b'\t')).unwrap_or(value.len());
        changed.push(b' ');
        changed.extend_from_slice(value.get(text..).unwrap_or_default());
        return Cow::Owned(changed);
    }
    let mut lines = value.split(|b| *b == eol.byte());
    let first = lines.next().unwrap_or_default();
    let strip = |line: &'_ [u8]| line.strip_suffix(b"\r").unwrap_or(line).to_vec();
    changed.extend(strip(first));
    for line in lines {
        let line = strip(line);
        match spaces {
            Spaces::Unfold => {}
            _ => changed.push(eol.byte()),
        }
        match (spaces, line.split_first()) {
            (Spaces::FoldWithSpace, Some((b'\t', rest))) => {
                changed.push(b' ');
                changed.extend_from_slice(rest);
            }
            (Spaces::FoldWithTab, Some((b' ', rest))) => {
                changed.push(b'\t');
                changed.extend_from_slice(rest);
            }
            _ => changed.extend(line),
        }
    }
    Cow::Owned(changed)
}
