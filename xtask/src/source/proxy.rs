//! Which proxy leads to a URL, by the variables that curl, apt and pip read.

use url::Url;

/// The proxies of this run: one per scheme, and the hosts that need none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Proxies {
    http: Option<String>,
    https: Option<String>,
    without: Vec<String>,
}

impl Proxies {
    /// What `http_proxy`, `https_proxy`, `all_proxy` and `no_proxy` say, written small or large.
    pub fn of_environment() -> Proxies {
        Proxies::new(&|name| std::env::var(name).ok())
    }

    /// What the variables say, asked for by name.
    pub fn new(variable: &dyn Fn(&str) -> Option<String>) -> Proxies {
        let value = |name: &str| {
            let found = variable(name).or_else(|| variable(&name.to_uppercase()));
            found.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
        };
        let without = value("no_proxy").unwrap_or_default();
        let separators = |next: char| next == ',' || next.is_whitespace();
        Proxies {
            http: value("http_proxy").or_else(|| value("all_proxy")),
            https: value("https_proxy").or_else(|| value("all_proxy")),
            without: without.split(separators).filter(|host| !host.is_empty()).map(str::to_lowercase).collect(),
        }
    }

    /// The proxy for `url`, with a scheme; `None` where the way is direct.
    pub fn lead_to(&self, url: &Url) -> Option<String> {
        let host = url.host_str()?;
        let direct = |entry: &String| {
            let entry = entry.trim_start_matches('*').trim_start_matches('.');
            host == entry || host.strip_suffix(entry).is_some_and(|front| entry.is_empty() || front.ends_with('.'))
        };
        if self.without.iter().any(direct) {
            return None;
        }
        let proxy = if url.scheme() == "https" { &self.https } else { &self.http };
        proxy.as_ref().map(|proxy| if proxy.contains("://") { proxy.clone() } else { format!("http://{proxy}") })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxies(variables: &[(&str, &str)]) -> Proxies {
        Proxies::new(&|name| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()))
    }

    fn lead(proxies: &Proxies, url: &str) -> Option<String> {
        proxies.lead_to(&url.parse().expect(url))
    }

    #[test]
    fn each_scheme_has_its_own() {
        let both = proxies(&[("http_proxy", "p.test:3128"), ("HTTPS_PROXY", "http://user:secret@s.test:8080")]);
        assert_eq!(lead(&both, "http://a.test/"), Some("http://p.test:3128".to_owned()));
        assert_eq!(lead(&both, "https://a.test/"), Some("http://user:secret@s.test:8080".to_owned()));
        let one = proxies(&[("https_proxy", "http://s.test"), ("http_proxy", "")]);
        assert_eq!(lead(&one, "http://a.test/"), None);
        let all = proxies(&[("ALL_PROXY", "http://all.test")]);
        assert_eq!(lead(&all, "http://a.test/"), lead(&all, "https://a.test/"));
        assert_eq!(lead(&Proxies::default(), "https://a.test/"), None);
    }

    #[test]
    fn some_hosts_need_none() {
        let some =
            proxies(&[("all_proxy", "http://p.test"), ("no_proxy", "localhost, .inner.test,*.Wild.test 10.0.0.1")]);
        for (host, direct) in [
            ("localhost", true),
            ("inner.test", true),
            ("a.inner.test", true),
            ("winner.test", false),
            ("a.wild.test", true),
            ("10.0.0.1", true),
            ("10.0.0.11", false),
        ] {
            assert_eq!(lead(&some, &format!("https://{host}/")).is_none(), direct, "{host}");
        }
        let none = proxies(&[("all_proxy", "http://p.test"), ("no_proxy", "*")]);
        assert_eq!(lead(&none, "https://a.test/"), None);
    }
}
