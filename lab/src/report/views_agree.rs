//! Whatever a run was, its views say the same: same headline, same state of each engine, same cells.

use askama::Template as _;
use roxmltree::Document;

use super::identity::Identity;
use super::page::Page;
use super::words::Look as _;
use super::{junit, markdown, terminal};
use crate::verdict::tests::{catalogue, every_run};
use crate::verdict::{CellState, ContractState, RunState, Verdict};

/// One run in this many is rendered: the page is slow to write thousands of times.
const EACH: usize = 31;

#[test]
fn all_views_of_a_run_agree() {
    let catalogue = catalogue();
    let dir = tempfile::tempdir().unwrap();
    let mut run = 0;
    every_run(|facts, records| {
        run += 1;
        if run % EACH != 0 {
            return;
        }
        let verdict = Verdict::of(&catalogue, facts, records);
        let identity = Identity {
            proven: "proven: 3 of 4".to_owned(),
            ..Identity::default()
        };
        let text = terminal::report(&catalogue, &verdict, &identity.proven, "place");
        let html = Page::new(dir.path(), &catalogue, &identity, &verdict);
        let html = html.render().unwrap();
        let marks = markdown::render(&identity, &verdict);
        let xml = junit::render(&verdict).unwrap();

        let headline = verdict.headline();
        let ends = format!("\n{headline}; results in place/results.jsonl\n");
        assert!(text.ends_with(&ends), "{headline}: {text}");
        assert!(
            html.contains(&format!("</span> {headline}</h1>")),
            "{headline}"
        );
        assert!(html.contains(&format!("<title>cgolab: {headline}</title>")));
        assert!(
            marks.starts_with(&format!("# cgolab: {headline}\n")),
            "{marks}"
        );
        let xml = Document::parse(&xml).unwrap();
        assert_eq!(
            xml.root_element().attribute("name"),
            Some(headline.as_str())
        );
        let green = verdict.state == RunState::Passed;
        assert_eq!(html.contains("<header class=\"green\">"), green);

        for view in [&text, &html, &marks] {
            assert!(view.contains(&identity.proven), "{view}");
        }

        let counts = verdict.counts().line();
        assert!(
            text.contains(&counts) && marks.contains(&counts),
            "{counts}"
        );

        for engine in &verdict.engines {
            let word = engine.state.word();
            let line = text.lines().find(|line| line.starts_with(engine.name));
            let line = line.unwrap_or_else(|| panic!("no {} in {text}", engine.name));
            assert!(
                line.starts_with(&format!("{:<9} {word}", engine.name)),
                "{line}"
            );
            assert!(
                marks.contains(&format!("| {} | {word} |", engine.name)),
                "{marks}"
            );
            let class = engine.state.outcome().class();
            let badge = format!(
                "{} <span class=\"badge {class}\">{word}</span>",
                engine.name
            );
            assert!(html.contains(&badge), "{badge}");
            let is_ours = |suite: &roxmltree::Node<'_, '_>| {
                suite.has_tag_name("testsuite") && suite.attribute("name") == Some(engine.name)
            };
            let suite = xml.descendants().find(is_ours).unwrap();
            let property = suite.descendants().find(|it| it.has_tag_name("property"));
            assert_eq!(property.unwrap().attribute("value"), Some(word));
            let red = suite
                .descendants()
                .any(|it| it.has_tag_name("failure") || it.has_tag_name("error"));
            let all_green = engine.records.iter().all(|record| record.is_green());
            assert_eq!(red, !all_green, "{records:#?}");
        }

        for limit in verdict.engines.iter().flat_map(|engine| engine.limits()) {
            let why = limit.reason.as_deref().unwrap();
            assert!(text.contains(&format!("\nlimit of {}: {why}\n", limit.engine)));
            assert!(marks.contains(&format!("\nLimit of {}: {why}\n", limit.engine)));
            assert!(html.contains(&format!("<summary>limit: {why}</summary>")));
        }

        for contract in &verdict.contracts {
            let id = &contract.contract.id;
            let shown = contract.cells.iter().map(|cell| match cell.state {
                CellState::Ran(_) => cell.state.word(),
                _ => "·",
            });
            let shown: Vec<&str> = shown.collect();
            let elsewhere = contract.state == ContractState::Elsewhere;
            let row = format!(
                "| {id} | {} | {} |",
                contract.state.word(),
                shown.join(" | ")
            );
            assert_eq!(marks.contains(&row), !elsewhere, "{row}: {marks}");
            let line = text
                .lines()
                .find(|line| line.starts_with(&format!("{id} ")));
            if let Some(line) = line {
                // Words of a cell have one space between them, columns have two.
                let words: Vec<&str> = line.split("  ").map(str::trim).collect();
                let words: Vec<&str> = words.into_iter().filter(|it| !it.is_empty()).collect();
                assert_eq!(words[words.len() - shown.len()..], shown, "{text}");
            }
            assert_eq!(line.is_some(), !elsewhere, "{text}");
            for cell in &contract.cells {
                let (class, word) = (cell.state.class(), cell.state.word());
                let anchor = format!("<a href=\"#{id}.{}\"", cell.engine);
                let hint = format!("<span title=\"{id} under {}\">{word}</span>", cell.engine);
                if cell.records.is_empty() {
                    assert!(html.contains(&format!("<td class=\"cell {class}\">{hint}")));
                } else {
                    let start = format!("<td class=\"cell {class}\">{anchor}");
                    let (_, rest) = html.split_once(&start).unwrap_or_else(|| panic!("{start}"));
                    let (said, _) = rest.split_once("</a>").unwrap();
                    assert!(said.ends_with(&format!(">{word}")), "{said}");
                }
            }
        }
    });
    assert!(run > 10_000);
}
