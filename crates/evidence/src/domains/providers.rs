//! The table of those who sign mail for others, by the domains under which they sign.

/// What a provider's name in a signature can mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Its customers sign under it, or names below it are its customers': nothing below it is one
    /// organisation.
    Shared,
    /// It passes on what members of its lists wrote; names below it are its customers'.
    List,
    /// Mailboxes of its own; it signs other people's mail as well.
    Mailbox,
}

/// One provider.
#[derive(Debug)]
pub(super) struct Provider {
    /// As people know it.
    pub name: &'static str,
    /// What stands in `d=`: these and names below them.
    pub domains: &'static [&'static str],
    /// What that can mean.
    pub kind: Kind,
}

const fn shared(name: &'static str, domains: &'static [&'static str]) -> Provider {
    Provider { name, domains, kind: Kind::Shared }
}

const fn list(name: &'static str, domains: &'static [&'static str]) -> Provider {
    Provider { name, domains, kind: Kind::List }
}

const fn mailbox(name: &'static str, domains: &'static [&'static str]) -> Provider {
    Provider { name, domains, kind: Kind::Mailbox }
}

/// All of them; the first that fits counts.
pub(super) const PROVIDERS: &[Provider] = &[
    shared("Google Workspace", &["gappssmtp.com"]),
    shared("Microsoft 365", &["onmicrosoft.com", "onmicrosoft.de", "onmicrosoft.us", "partner.onmschina.cn"]),
    shared("Amazon SES", &["amazonses.com"]),
    shared("SendGrid", &["sendgrid.net", "sendgrid.me", "sendgrid.info"]),
    shared("Mailchimp", &["mcsv.net", "mcdlv.net", "rsgsv.net", "mailchimpapp.net", "mandrillapp.com"]),
    shared("Mailgun", &["mailgun.org", "mailgun.net", "mailgun.us"]),
    shared("Postmark", &["mtasv.net"]),
    shared("Mailjet", &["mailjet.com"]),
    shared("Brevo", &["sendinblue.com", "brevo.com", "brevosend.com"]),
    shared("SparkPost", &["sparkpostmail.com"]),
    shared("Salesforce", &["exacttarget.com", "pd25.com"]),
    shared("Marketo", &["mktomail.com"]),
    shared("HubSpot", &["hubspotemail.net"]),
    shared("Klaviyo", &["klaviyomail.com"]),
    shared("Emarsys", &["emarsys.net"]),
    shared("Oracle", &["oracleemaildelivery.com"]),
    shared("Zendesk", &["zendesk.com"]),
    shared("Freshdesk", &["freshemail.io"]),
    shared("Help Scout", &["helpscout.net"]),
    shared("Fastmail", &["messagingengine.com"]),
    shared("Proton", &["domains.proton.ch"]),
    shared("ImprovMX", &["improvmx-mails.com"]),
    shared("Apple (private relay)", &["privaterelay.appleid.com"]),
    shared("SimpleLogin", &["simplelogin.com", "simplelogin.io", "simplelogin.co"]),
    list("Google Groups", &["googlegroups.com"]),
    list("Groups.io", &["groups.io"]),
    list("EMWD", &["emwd.com"]),
    mailbox("Apple", &["icloud.com"]),
    mailbox("Google", &["gmail.com", "google.com"]),
    mailbox("Microsoft (consumer mail)", &["outlook.com", "hotmail.com", "live.com", "msn.com"]),
    mailbox("Zoho", &["zohomail.com", "zohomail.eu"]),
    mailbox("Yandex", &["yandex.ru", "yandex.com"]),
    mailbox("Proton", &["protonmail.com", "proton.me"]),
];

/// Domains of mailboxes that Microsoft gives to consumers: one family with one owner.
pub(super) const CONSUMER_MICROSOFT: &[&str] = &[
    "hotmail.be",
    "hotmail.ca",
    "hotmail.ch",
    "hotmail.co.il",
    "hotmail.co.jp",
    "hotmail.co.kr",
    "hotmail.co.th",
    "hotmail.co.uk",
    "hotmail.co.za",
    "hotmail.com",
    "hotmail.com.ar",
    "hotmail.com.au",
    "hotmail.com.br",
    "hotmail.com.tr",
    "hotmail.de",
    "hotmail.dk",
    "hotmail.es",
    "hotmail.fi",
    "hotmail.fr",
    "hotmail.gr",
    "hotmail.it",
    "hotmail.nl",
    "hotmail.no",
    "hotmail.se",
    "live.at",
    "live.be",
    "live.ca",
    "live.cl",
    "live.cn",
    "live.co.uk",
    "live.co.za",
    "live.com",
    "live.com.ar",
    "live.com.au",
    "live.com.mx",
    "live.com.my",
    "live.com.pt",
    "live.com.sg",
    "live.de",
    "live.dk",
    "live.fi",
    "live.fr",
    "live.hk",
    "live.ie",
    "live.in",
    "live.it",
    "live.jp",
    "live.nl",
    "live.no",
    "live.ru",
    "live.se",
    "msn.com",
    "outlook.at",
    "outlook.be",
    "outlook.cl",
    "outlook.co.id",
    "outlook.co.il",
    "outlook.co.th",
    "outlook.com",
    "outlook.com.ar",
    "outlook.com.au",
    "outlook.com.br",
    "outlook.com.gr",
    "outlook.com.tr",
    "outlook.com.vn",
    "outlook.cz",
    "outlook.de",
    "outlook.dk",
    "outlook.es",
    "outlook.fr",
    "outlook.hu",
    "outlook.ie",
    "outlook.in",
    "outlook.it",
    "outlook.jp",
    "outlook.kr",
    "outlook.lv",
    "outlook.my",
    "outlook.ph",
    "outlook.pt",
    "outlook.sa",
    "outlook.sg",
    "outlook.sk",
    "passport.com",
    "windowslive.com",
];
