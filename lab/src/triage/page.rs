//! The report as a page: its Markdown, rendered.

use anyhow::Result;
use askama::Template;
use pulldown_cmark::{Event, Options, Parser, html};

#[derive(Template)]
#[template(path = "triage.html")]
struct Page<'a> {
    headline: &'a str,
    body: String,
}

/// The page of a report in Markdown.
pub(super) fn render(headline: &str, markdown: &str) -> Result<String> {
    // Names of functions may look like tags.
    let events = Parser::new_ext(markdown, Options::ENABLE_TABLES).map(|event| match event {
        Event::Html(text) | Event::InlineHtml(text) => Event::Text(text),
        other => other,
    });
    let mut body = String::new();
    html::push_html(&mut body, events);
    Ok(Page { headline, body }.render()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_tables_and_stacks_and_no_tags_of_a_report() {
        let markdown = "# fault in work<int>(<script>)\n\n| | |\n|---|---|\n| class | `x<y>` |\n\n\
                        ```text\nf<int>()\n```\n";
        let page = render("fault <b>", markdown).unwrap();
        for part in [
            "<title>cgolab triage: fault &#60;b&#62;</title>",
            "<h1>fault in work&lt;int&gt;(&lt;script&gt;)</h1>",
            "<td><code>x&lt;y&gt;</code></td>",
            "f&lt;int&gt;()\n</code></pre>",
        ] {
            assert!(page.contains(part), "no {part}: {page}");
        }
    }
}
