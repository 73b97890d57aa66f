//! The index as one web page: no other file, no request, and a plain table where there is no JavaScript.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use xtask::files::size;
use xtask::ui::counted;

use super::markdown::{cloud, title};
use super::published::{Entry, Index};
use super::snippets::{self, PLACES, Snippet};
use crate::model::Regions;

const PAGE: &str = include_str!("page/page.html");
const STYLE: &str = include_str!("page/page.css");
const SCRIPT: &str = include_str!("page/page.js");

/// The page with the newest version of everything.
pub fn render(index: &Index, regions: &Regions) -> String {
    let entries = index.newest();
    // What is filled in comes after what is ours, so that nothing in it is taken for a place.
    PAGE.replace("<!--filters-->", &filters(&entries))
        .replace("<!--style-->", STYLE)
        .replace("<!--script-->", SCRIPT)
        .replace("<!--count-->", &entries.len().to_string())
        .replace("<!--snippets-->", &snippets::ALL.iter().map(|snippet| usage(snippet, &entries)).collect::<String>())
        .replace("<!--rows-->", &entries.iter().map(|entry| row(entry, regions)).collect::<String>())
}

fn filters(entries: &[&Entry]) -> String {
    let mut text = String::new();
    let mut filter = |label: &str, key: &str, values: BTreeSet<String>| {
        let options: String = values.iter().map(|value| format!("<option>{}</option>", escape(value))).collect();
        let _ = writeln!(
            text,
            "<label>{label} <select data-key=\"{key}\"><option value=\"\">all</option>{options}</select></label>"
        );
    };
    let each = |value: fn(&Entry) -> String| entries.iter().map(|entry| value(entry)).collect();
    filter("Layer", "layer", each(|entry| entry.layer.to_string()));
    filter("Architecture", "arch", each(|entry| entry.arch.to_string()));
    filter("Cloud", "cloud", each(|entry| cloud(entry.cloud).to_owned()));
    filter("Region", "region", each(|entry| entry.region.clone()));
    filter("Runtime", "runtimes", entries.iter().flat_map(|entry| entry.runtimes.clone()).collect());
    text
}

fn row(entry: &Entry, regions: &Regions) -> String {
    let mut data = String::new();
    let pairs = [
        ("layer", entry.layer.to_string()),
        ("arch", entry.arch.to_string()),
        ("cloud", cloud(entry.cloud).to_owned()),
        ("region", entry.region.clone()),
        ("runtimes", entry.runtimes.join(" ")),
        ("arn", entry.arn.clone()),
        ("cdk-arch", snippets::value("cdk-arch", entry)),
        ("runtime", snippets::value("runtime", entry)),
    ];
    for (name, value) in pairs {
        let _ = write!(data, " data-{name}=\"{}\"", escape(&value));
    }
    format!(
        "<tr{data}>\n<th scope=\"row\">{} {}</th><td>{}</td><td>{}</td><td>{}<br><small>{}</small></td>\n\
         <td class=\"arn\"><code>{}</code></td>\n\
         <td><details><summary>{}</summary>{}<br>SHA-256 <code>{}</code></details></td>\
         <td class=\"plain\">{}</td><td class=\"plain\">{}</td>\n</tr>\n",
        escape(entry.layer.as_str()),
        escape(entry.version.as_str()),
        entry.arch,
        cloud(entry.cloud),
        escape(&entry.region),
        escape(&title(regions, entry)),
        escape(&entry.arn),
        counted(entry.runtimes.len(), "runtime"),
        escape(&entry.runtimes.join(", ")),
        entry.sha256,
        size(entry.size),
        escape(&entry.date),
    )
}

/// A snippet with the first layer of its cloud in it; the script puts in the one that is chosen.
fn usage(snippet: &Snippet, entries: &[&Entry]) -> String {
    let Some(entry) = entries.iter().find(|entry| entry.cloud == snippet.cloud) else { return String::new() };
    let mut text = escape(snippet.text);
    for place in PLACES {
        let value = escape(&snippets::value(place, entry));
        text = text.replace(&format!("{{{place}}}"), &format!("<span data-place=\"{place}\">{value}</span>"));
    }
    format!(
        "<section class=\"usage\" data-cloud=\"{}\">\n<h3>{}</h3>\n<pre tabindex=\"0\" aria-label=\"for {}\"><code>{text}</code></pre>\n</section>\n",
        cloud(snippet.cloud),
        snippet.tool,
        snippet.tool,
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
