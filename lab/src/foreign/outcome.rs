//! The outcome of a run: findings folded by signature, trouble that is no finding, and one headline.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::baseline::Baseline;
use super::description::Description;
use super::engines::{ENGINES, Engine};
use super::known::Known;
use super::module::{Module, Package, counted, counted_as};
use super::report::{Place, Report};
pub(super) use crate::engine::vet::analyzers::Severity;
use crate::subject::file::Accept;
use crate::verdict::accept;

/// The folder of pages of triage, in that of the views.
const PAGES: &str = "triage";

/// The state of an engine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "is", content = "why")]
pub(super) enum State {
    /// Its canaries were seen.
    On,
    /// It missed a canary, so that its reports on the module do not count.
    Off(String),
    /// It cannot be built here, with the compiler's own line.
    Unsupported(String),
    /// It was not begun, with the reason.
    NotRun(String),
    /// Ctrl-C came before its end.
    Stopped,
}

/// Something that keeps tests from being judged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum TestTrouble {
    /// It fails in every run.
    Fails,
    /// It fails in some of so many runs.
    Flakes(u32, u32),
    /// It ended the process, with a signal or a panic.
    Died(String),
    /// It ended the process without a message, as `os.Exit` does.
    Ended(String),
    /// It did not end within the limit, in words.
    TimedOut(String),
}

/// Something that keeps a package from being judged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum What {
    Test(String, TestTrouble),
    /// It does not build under the engine, with the compiler's line.
    NotBuilt(String),
    /// Its program ends and no test has run, with the reason.
    NothingRan(String),
    Other(String),
}

/// Trouble with a package or with one of its tests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Trouble {
    pub(super) package: String,
    pub(super) what: What,
    /// The report of triage on it, from the module's folder.
    #[serde(default)]
    pub(super) report: Option<String>,
}

impl Trouble {
    pub(super) fn test(package: &Package, test: &str, what: TestTrouble) -> Trouble {
        Trouble::with(&package.path, What::Test(test.to_owned(), what))
    }

    pub(super) fn not_built(path: &str, why: String) -> Trouble {
        Trouble::with(path, What::NotBuilt(why))
    }

    pub(super) fn nothing_ran(package: &Package, why: String) -> Trouble {
        Trouble::with(&package.path, What::NothingRan(why))
    }

    pub(super) fn package(package: &Package, why: &str) -> Trouble {
        Trouble::words(&package.path, why)
    }

    /// Trouble with the package that has this path.
    pub(super) fn words(path: &str, why: &str) -> Trouble {
        Trouble::with(path, What::Other(why.to_owned()))
    }

    fn with(path: &str, what: What) -> Trouble {
        Trouble {
            package: path.to_owned(),
            what,
            report: None,
        }
    }

    /// The page of its report, from the folder of the views.
    pub(super) fn page(&self) -> Option<String> {
        self.report.as_deref().map(page)
    }

    /// The trouble in one line.
    pub(super) fn shown(&self, plain: bool) -> String {
        let (test, what) = match &self.what {
            What::Test(test, what) => (test, what),
            What::NotBuilt(why) => return format!("{} does not build: {why}", self.package),
            What::NothingRan(why) => return format!("{}: no test ran: {why}", self.package),
            What::Other(why) => return format!("{}: {why}", self.package),
        };
        let only_here = if plain {
            ""
        } else {
            ", and not plainly; no detector spoke"
        };
        let report = self.report.as_ref();
        let report = report.map_or_else(String::new, |it| format!("; report: {it}"));
        match what {
            TestTrouble::Fails => format!("{test} fails{only_here}"),
            TestTrouble::Flakes(times, of) => {
                format!("{test} fails in {times} of {of} runs{only_here}")
            }
            TestTrouble::Died(how) => format!("{test} ends the process: {how}{report}"),
            TestTrouble::Ended(how) => {
                format!("{test} ends the process without a word: {how}{report}")
            }
            TestTrouble::TimedOut(limit) => format!("{test} does not end within {limit}"),
        }
    }
}

/// The page of a report of triage, from the folder of the views.
pub(super) fn page(report: &str) -> String {
    let name = Path::new(report).file_stem().unwrap_or_default();
    format!("{PAGES}/{}.html", name.display())
}

/// A report of an engine on a package.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Finding {
    pub(super) engine: String,
    pub(super) package: String,
    pub(super) report: Report,
    #[serde(default)]
    pub(super) severity: Severity,
    /// All tests that are known to show it; the report's is the first.
    pub(super) tests: Vec<String>,
    pub(super) known: Option<Known>,
    /// The shortest command that shows it again, in the folder of the module.
    pub(super) command: String,
    /// The report of triage on it, from the module's folder.
    #[serde(default)]
    pub(super) triage: Option<String>,
    /// The function in whose source it was read; empty if it was seen to happen.
    #[serde(default)]
    pub(super) within: String,
}

impl Finding {
    /// The page of its report of triage, from the folder of the views.
    pub(super) fn page(&self) -> Option<String> {
        self.triage.as_deref().map(page)
    }

    /// A text that is the same for the same mistake in every run: it has no addresses and no lines.
    pub(super) fn signature(&self) -> String {
        let function = |place: &Option<Place>| {
            place
                .as_ref()
                .map_or_else(String::new, |it| without_lines(&it.function))
        };
        let report = &self.report;
        let mut go = [function(&report.go), function(&report.other)];
        // Which access of a race comes first is chance.
        go.sort();
        let mut parts = vec![
            report.class.clone(),
            self.package.clone(),
            function(&report.c),
        ];
        parts.extend(go.into_iter().filter(|it| !it.is_empty()));
        // Where no function tells two apart, the file does, or the test. Tests that leak are known late, and not all
        // of them in every run.
        match (&report.test, &report.go) {
            (None, Some(place)) => {
                parts.extend(place.file.clone());
                parts.extend(Some(self.within.clone()).filter(|it| !it.is_empty()));
            }
            (test, None) if report.c.is_none() && !report.is_leak() => parts.extend(test.clone()),
            _ => {}
        }
        parts.join(" | ")
    }
}

/// The message of a rule without the numbers of lines, which any edit changes.
fn without_lines(message: &str) -> String {
    let parts = message.split("line ");
    let bare = parts.map(|it| it.trim_start_matches(|c: char| c.is_ascii_digit()));
    bare.collect::<Vec<_>>().join("line ")
}

/// Findings with one signature.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Folded {
    pub(super) signature: String,
    /// The first of them.
    pub(super) first: Finding,
    pub(super) times: usize,
    /// The engines that saw it, in the order in which they ran.
    pub(super) engines: Vec<String>,
    pub(super) tests: Vec<String>,
    /// All places in Go code, as people read them.
    pub(super) places: Vec<String>,
    /// True if it is in the baseline.
    pub(super) old: bool,
    /// The reason of an entry of the module's file that accepts it.
    pub(super) accepted: Option<String>,
    /// It makes the run red unless it is known, old or accepted.
    pub(super) serious: bool,
}

impl Folded {
    /// Reports whether it makes the run red.
    pub(super) fn counts(&self) -> bool {
        self.serious && self.is_open()
    }

    /// Reports whether it is of the same rule for source as another one, and has the same to be said of it beside its
    /// place.
    pub(super) fn reads_like(&self, other: &Folded) -> bool {
        let said = |it: &Folded| {
            let first = &it.first;
            let state = (first.severity, it.old, it.accepted.clone());
            (first.report.class.clone(), it.engines.clone(), state)
        };
        self.is_of_source() && other.is_of_source() && said(self) == said(other)
    }

    /// Reports whether it was read in the source: no test shows it.
    fn is_of_source(&self) -> bool {
        self.tests.is_empty() && self.first.report.go.is_some()
    }

    /// The tests that tell it from others with its signature: those that leak, since a leak names no caller in Go.
    fn telling_tests(&self) -> &[String] {
        match self.first.report.is_leak() {
            true => &self.tests,
            false => &[],
        }
    }

    /// The tests that show it, in words; none for a finding of source, which no test shows.
    pub(super) fn shown_by(&self, most: usize) -> Option<String> {
        match self.tests.as_slice() {
            [] if self.is_of_source() => None,
            [] => Some("not known: it is reported when the program ends".to_owned()),
            some if some.len() > most => Some(format!(
                "{} and {} more",
                some[..most].join(" "),
                some.len() - most
            )),
            some => Some(some.join(" ")),
        }
    }

    /// Reports whether it is told as a warning: open, and not red.
    pub(super) fn warns(&self) -> bool {
        !self.serious && self.is_open()
    }

    fn is_open(&self) -> bool {
        self.first.known.is_none() && !self.old && self.accepted.is_none()
    }
}

/// The outcome of an engine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct EngineOutcome {
    pub(super) engine: String,
    pub(super) what: String,
    pub(super) state: State,
    /// The most tests that one run of a package had.
    pub(super) tests: usize,
    /// Packages that were analysed, if it reads source.
    #[serde(default)]
    pub(super) packages_read: usize,
    /// Runs of a fuzz test, each with an input of its own.
    #[serde(default)]
    pub(super) executions: usize,
    pub(super) seconds: f64,
    pub(super) findings: Vec<Finding>,
    pub(super) trouble: Vec<Trouble>,
    /// Mistakes that it is proven not to see.
    pub(super) limits: Vec<String>,
    /// Packages of which an engine that reads source could not read all, each with the reason.
    pub(super) left_unread: Vec<String>,
    /// Packages in which an engine that looks for leaks could not.
    pub(super) leaks_unsought: usize,
    /// Tests that fail here alone and without a report: every engine is slower than plain, and the time may be why.
    pub(super) perhaps_slow: usize,
    /// Packages that were not run, or not to their end, because the time of the run was over.
    #[serde(default)]
    pub(super) cut: usize,
    /// Tests that skip themselves.
    #[serde(default)]
    pub(super) skipped: usize,
    /// Searches of a fuzz test that ended at a finding, before their time was over.
    #[serde(default)]
    pub(super) ended: usize,
}

impl EngineOutcome {
    pub(super) fn left_out(engine: &Engine, state: State) -> EngineOutcome {
        EngineOutcome {
            engine: engine.id.to_owned(),
            what: engine.what.to_owned(),
            state,
            tests: 0,
            packages_read: 0,
            executions: 0,
            seconds: 0.0,
            findings: Vec::new(),
            trouble: Vec::new(),
            limits: Vec::new(),
            left_unread: Vec::new(),
            leaks_unsought: 0,
            perhaps_slow: 0,
            cut: 0,
            skipped: 0,
            ended: 0,
        }
    }

    pub(super) fn is_plain(&self) -> bool {
        self.engine == "plain"
    }

    /// True if it reads source and runs nothing.
    fn reads(&self) -> bool {
        ENGINES.iter().any(|it| it.id == self.engine && it.reads)
    }

    /// Tests that fail or flake plainly, as (package, test); other engines leave them out.
    pub(super) fn plain_failures(&self) -> Vec<(String, String)> {
        let of_test = |trouble: &Trouble| match &trouble.what {
            What::Test(test, _) => Some((trouble.package.clone(), test.clone())),
            What::NotBuilt(_) | What::NothingRan(_) | What::Other(_) => None,
        };
        self.trouble.iter().filter_map(of_test).collect()
    }

    /// Reports whether no test of a package can be run.
    pub(super) fn runs_nothing_of(&self, package: &Package) -> bool {
        self.trouble.iter().any(|it| {
            it.package == package.path && matches!(it.what, What::NotBuilt(_) | What::NothingRan(_))
        })
    }

    /// Reports whether it was left with nothing to run or read.
    pub(super) fn judged_nothing(&self) -> bool {
        let told = self.cut > 0 || !self.findings.is_empty() || !self.trouble.is_empty();
        self.extent().is_none() && !told
    }

    /// Reports whether code of the module ran.
    fn ran(&self) -> bool {
        self.tests > 0 || self.executions > 0
    }

    /// The number of things that it ran or read, with their unit.
    pub(super) fn extent(&self) -> Option<String> {
        let counts = [
            (self.tests, "test"),
            (self.packages_read, "package"),
            (self.executions, "execution"),
        ];
        let (count, what) = counts.into_iter().find(|(count, _)| *count > 0)?;
        Some(counted(count, what))
    }

    /// Reports whether it makes the run red, whatever it found: a blind engine, or something not judged.
    fn failed(&self) -> bool {
        matches!(self.state, State::Off(_) | State::Stopped) || !self.trouble.is_empty()
    }

    /// The engine in a few words.
    pub(super) fn shown(&self) -> String {
        match &self.state {
            State::Off(why) => format!("OFF: {why}"),
            State::Unsupported(why) => format!("unsupported here: {why}"),
            State::NotRun(why) => format!("not run: {why}"),
            State::Stopped => "stopped by Ctrl-C".to_owned(),
            State::On if self.judged_nothing() => "nothing to judge".to_owned(),
            State::On => {
                let mut words = Vec::new();
                // One mistake is counted once, as in the headline: known if all of it is, an error if some of it is.
                let mut mistakes: BTreeMap<String, (bool, bool)> = BTreeMap::new();
                for finding in &self.findings {
                    let (known, error) =
                        mistakes.entry(finding.signature()).or_insert((true, false));
                    *known &= finding.known.is_some();
                    *error |= finding.severity == Severity::Error;
                }
                let known = mistakes.values().filter(|(known, _)| *known).count();
                let warns = |&&(known, error): &&(bool, bool)| !known && !error;
                let warnings = mistakes.values().filter(warns).count();
                match mistakes.len() - known - warnings {
                    0 => words.push("no finding".to_owned()),
                    count => words.push(counted(count, "finding")),
                }
                if warnings > 0 {
                    words.push(counted(warnings, "warning"));
                }
                if known > 0 {
                    words.push(counted(known, "known false alarm"));
                }
                if !self.trouble.is_empty() {
                    words.push(format!("{} not judged", self.trouble.len()));
                }
                words.join(", ")
            }
        }
    }
}

/// The outcome of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Outcome {
    pub(super) module: String,
    pub(super) go: String,
    pub(super) version: String,
    /// Lines about the module and its packages.
    pub(super) summary: Vec<String>,
    pub(super) engines: Vec<EngineOutcome>,
    pub(super) findings: Vec<Folded>,
    /// Entries of the module's file that accept no finding any more.
    pub(super) unused: Vec<String>,
    pub(super) seconds: f64,
    pub(super) interrupted: bool,
}

impl Outcome {
    pub(super) fn new(module: &Module) -> Outcome {
        Outcome {
            module: module.path.clone(),
            go: module.go.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            summary: module.summary(),
            engines: Vec::new(),
            findings: Vec::new(),
            unused: Vec::new(),
            seconds: 0.0,
            interrupted: false,
        }
    }

    /// All reports of triage, from the module's folder.
    pub(super) fn reports(&self) -> impl Iterator<Item = &str> {
        self.engines.iter().flat_map(|engine| {
            let trouble = engine.trouble.iter().map(|it| &it.report);
            let findings = engine.findings.iter().map(|it| &it.triage);
            trouble.chain(findings).filter_map(Option::as_deref)
        })
    }

    /// Leaves packages that do not build to plain, which says so: an engine that reads source can read neither them
    /// nor what imports them, and tells them as left out.
    fn tell_unbuilt_once(&mut self) {
        let plain = self.engines.iter().filter(|it| it.is_plain());
        let mut unbuilt: BTreeSet<String> = plain
            .flat_map(|it| &it.trouble)
            .filter(|it| matches!(it.what, What::NotBuilt(_)))
            .map(|it| it.package.clone())
            .collect();
        loop {
            let before = unbuilt.len();
            let readers = self.engines.iter_mut();
            for engine in readers.filter(|it| it.reads()) {
                let told = |trouble: &mut Trouble| {
                    let What::Other(why) = &trouble.what else {
                        return false;
                    };
                    let needs = why.strip_prefix("it needs ");
                    let all = |needs: &str| needs.split(", ").all(|it| unbuilt.contains(it));
                    unbuilt.contains(&trouble.package) || needs.is_some_and(all)
                };
                let told: Vec<Trouble> = engine.trouble.extract_if(.., told).collect();
                for trouble in told {
                    engine.left_unread.push(trouble.shown(true));
                    unbuilt.insert(trouble.package);
                }
            }
            if unbuilt.len() == before {
                return;
            }
        }
    }

    /// Folds the findings of all engines by signature. If it is strict, warnings are as red as errors.
    pub(super) fn fold(&mut self, baseline: Option<&Baseline>, strict: bool) {
        self.tell_unbuilt_once();
        let mut places: BTreeMap<String, usize> = BTreeMap::new();
        let mut folded: Vec<Folded> = Vec::new();
        for finding in self.engines.iter().flat_map(|it| &it.findings) {
            let signature = finding.signature();
            let at = *places.entry(signature.clone()).or_insert_with(|| {
                folded.push(Folded {
                    old: false,
                    signature,
                    first: finding.clone(),
                    times: 0,
                    engines: Vec::new(),
                    tests: Vec::new(),
                    places: Vec::new(),
                    accepted: None,
                    serious: strict,
                });
                folded.len() - 1
            });
            let one = &mut folded[at];
            one.times += 1;
            if finding.known.is_none() {
                // One true report is enough.
                one.first.known = None;
            }
            one.serious |= finding.severity == Severity::Error;
            if !one.engines.contains(&finding.engine) {
                one.engines.push(finding.engine.clone());
            }
            let report = &finding.report;
            for place in [&report.go, &report.other].into_iter().flatten() {
                let place = place.shown();
                if !one.places.contains(&place) {
                    one.places.push(place);
                }
            }
            for test in &finding.tests {
                if !one.tests.contains(test) {
                    one.tests.push(test.clone());
                }
            }
        }
        for one in &mut folded {
            one.old = baseline.is_some_and(|it| it.has(&one.signature, one.telling_tests()));
        }
        self.findings = folded;
    }

    /// Marks findings that the module's file accepts, so that they are not red, and notes entries that match
    /// none though all engines ran that could show one.
    pub(super) fn accept(&mut self, description: &Description) {
        let mut used = BTreeSet::new();
        for folded in &mut self.findings {
            let report = &folded.first.report;
            let fitting = accepting(&description.accept, report, &folded.engines, &folded.tests);
            let mut fitting = fitting.peekable();
            folded.accepted = fitting.peek().map(|(_, entry)| accept::reason(entry));
            used.extend(fitting.map(|(number, _)| number));
        }
        let ran = |name: &str| {
            let mut engines = self.engines.iter();
            engines.any(|it| it.engine == name && it.state == State::On)
        };
        let all_ran = ENGINES
            .iter()
            .filter(|it| !it.on_request)
            .all(|it| ran(it.id));
        let could_fit = |entry: &Accept| entry.engine.as_deref().map_or(all_ran, ran);
        let entries = description.accept.iter().enumerate();
        let unused = entries.filter(|(number, it)| !used.contains(number) && could_fit(it));
        self.unused = unused.map(|(_, it)| accept::label(it)).collect();
    }

    /// Findings that make the run red.
    pub(super) fn counting(&self) -> impl Iterator<Item = &Folded> {
        self.findings.iter().filter(|it| it.counts())
    }

    /// Trouble of the plain run: the module's own tests do not pass.
    pub(super) fn plain_trouble(&self) -> Vec<&Trouble> {
        self.engines
            .iter()
            .filter(|it| it.is_plain())
            .flat_map(|it| &it.trouble)
            .collect()
    }

    /// Everything that was left out or could not be judged, besides trouble of the plain run.
    pub(super) fn left_out(&self) -> Vec<String> {
        let mut left = Vec::new();
        let plain = self.engines.iter().find(|it| it.is_plain());
        let plain = plain.map_or(0, |it| it.skipped);
        for engine in &self.engines {
            match &engine.state {
                State::On if engine.is_plain() => {
                    if plain > 0 {
                        left.push(skip_themselves(plain, "test"));
                    }
                }
                State::On => {
                    if engine.skipped > plain {
                        let more = skip_themselves(engine.skipped - plain, "more test");
                        left.push(format!("{more} in {}", engine.engine));
                    }
                    if !engine.trouble.is_empty() {
                        let count = counted_as(
                            engine.trouble.len(),
                            "failure without a report",
                            "failures without a report",
                        );
                        left.push(format!("{count} in {}", engine.engine));
                    }
                    // Where a finding counts, it is clear that the search ends there.
                    if engine.ended > 0 && self.counting().next().is_none() {
                        let searches = counted_as(engine.ended, "search", "searches");
                        left.push(format!("the rest of {searches}, ended by a finding"));
                    }
                    if !engine.left_unread.is_empty() {
                        let count = counted(engine.left_unread.len(), "package");
                        left.push(format!("{count} read in part by {}", engine.engine));
                    }
                    if engine.perhaps_slow > 0 {
                        let count = counted_as(
                            engine.perhaps_slow,
                            "test that may be too slow",
                            "tests that may be too slow",
                        );
                        left.push(format!("{count} in {}", engine.engine));
                    }
                    if engine.cut > 0 {
                        let count = counted(engine.cut, "package");
                        left.push(format!("{count} in {} for want of time", engine.engine));
                    }
                    if engine.leaks_unsought > 0 {
                        let count = counted(engine.leaks_unsought, "package");
                        left.push(format!("leaks of {count} in {}", engine.engine));
                    }
                }
                State::Off(_) => left.push(format!("{} is OFF", engine.engine)),
                State::Unsupported(_) => {
                    left.push(format!("{} is unsupported here", engine.engine))
                }
                State::NotRun(_) => left.push(format!("{} did not run", engine.engine)),
                State::Stopped => left.push(format!("{} was stopped", engine.engine)),
            }
        }
        left
    }

    /// The reason why the whole run counts as nothing, beside what its engines say.
    pub(super) fn void(&self) -> Option<&'static str> {
        let mut engines = self.engines.iter();
        let ran = engines.any(|it| it.state == State::On && it.ran());
        match (self.interrupted, ran) {
            (true, _) => Some("stopped by Ctrl-C"),
            (false, false) => Some("no test ran"),
            (false, true) => None,
        }
    }

    /// Reports whether nothing is red: no finding counts, plain tests pass, and every engine that was begun was on
    /// and could judge.
    pub(super) fn is_green(&self) -> bool {
        let failed = self.engines.iter().any(EngineOutcome::failed);
        self.void().is_none() && !failed && self.counting().next().is_none()
    }

    /// The verdict in one line.
    pub(super) fn headline(&self) -> String {
        let mut parts = Vec::new();
        match self.counting().count() {
            0 => parts.push("no finding".to_owned()),
            count => parts.push(counted(count, "finding")),
        }
        let warnings = self.findings.iter().filter(|it| it.warns()).count();
        if warnings > 0 {
            parts.push(counted(warnings, "warning"));
        }
        let known = self
            .findings
            .iter()
            .filter(|it| it.first.known.is_some())
            .count();
        if known > 0 {
            parts.push(counted(known, "known false alarm"));
        }
        let old = self.findings.iter().filter(|it| it.old).count();
        if old > 0 {
            parts.push(format!("{old} in the baseline"));
        }
        let accepted = self
            .findings
            .iter()
            .filter(|it| it.accepted.is_some())
            .count();
        if accepted > 0 {
            parts.push(format!("{accepted} accepted"));
        }
        if !self.unused.is_empty() {
            parts.push(format!(
                "accepted and not found: {}",
                self.unused.join(", ")
            ));
        }
        let plain = self.plain_trouble();
        if !plain.is_empty() {
            parts.push(format!("plain tests: {} not green", plain.len()));
        }
        parts.extend(self.void().map(str::to_owned));
        let left = self.left_out();
        if !left.is_empty() {
            parts.push(format!("left out: {}", left.join(", ")));
        }
        parts.join("; ")
    }
}

fn skip_themselves(tests: usize, what: &str) -> String {
    counted_as(
        tests,
        &format!("{what} that skips itself"),
        &format!("{what}s that skip themselves"),
    )
}

/// The entries, with their numbers, that accept a report which these engines saw in these tests. The reason of the
/// first is the one that is told.
pub(super) fn accepting<'a>(
    entries: &'a [Accept],
    report: &Report,
    engines: &[String],
    tests: &[String],
) -> impl Iterator<Item = (usize, &'a Accept)> {
    let in_name = |frame: &String| {
        let mut places = [&report.c, &report.go, &report.other].into_iter().flatten();
        places.any(|place| place.function.contains(frame))
    };
    // A finding that another engine sees as well is not accepted by the one that is named.
    let of_engine = |it: &String| engines.iter().all(|engine| engine == it);
    // Nor what another test shows as well.
    let of_test = |it: &String| !tests.is_empty() && tests.iter().all(|test| test == it);
    entries.iter().enumerate().filter(move |(_, entry)| {
        entry.engine.as_ref().is_none_or(of_engine)
            && entry.test.as_ref().is_none_or(of_test)
            && entry.frame.as_ref().is_none_or(in_name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::foreign::baseline;
    use crate::foreign::engines::tests::row;
    use crate::subject::file::Accept;

    fn finding(engine: &str, class: &str, go: Option<&str>, test: &str) -> Finding {
        Finding {
            engine: engine.to_owned(),
            package: "a/b".to_owned(),
            tests: vec![test.to_owned()],
            report: Report {
                class: class.to_owned(),
                test: Some(test.to_owned()),
                c: None,
                go: go.map(|it| Place {
                    function: it.to_owned(),
                    file: None,
                    line: Some(3),
                    own: true,
                }),
                other: None,
                text: String::new(),
            },
            severity: Severity::Error,
            known: None,
            command: String::new(),
            triage: None,
            within: String::new(),
        }
    }

    #[test]
    fn a_finding_of_source_is_new_in_another_function_and_the_same_in_another_line() {
        let found = |within: &str, line: u32, file: &str| {
            let message = format!("what was freed in line {line}");
            let mut found = finding("vet", "doublefree", Some(&message), "");
            found.report.test = None;
            found.within = within.to_owned();
            let go = found.report.go.as_mut().expect("it has a place");
            (go.file, go.line) = (Some(file.to_owned()), Some(line + 2));
            found.signature()
        };
        let one = found("(*T).Close", 3, "t.go");
        assert_eq!(one, found("(*T).Close", 70, "t.go"));
        assert_ne!(one, found("(*T).Reset", 3, "t.go"));
        assert_ne!(one, found("(*T).Close", 3, "u.go"));
        assert!(
            found("", 3, "t.go").ends_with(" | t.go"),
            "as one that was seen to happen"
        );
    }

    fn outcome(findings: Vec<Finding>) -> Outcome {
        let mut outcome = Outcome::new(&Module::default());
        let mut plain = EngineOutcome::left_out(row("plain"), State::On);
        plain.tests = 3;
        let mut asan = EngineOutcome::left_out(row("asan"), State::On);
        asan.findings = findings;
        outcome.engines = vec![plain, asan];
        outcome.fold(None, false);
        outcome
    }

    #[test]
    fn places_are_listed_once_and_files_tell_findings_of_source_apart() {
        let at = |file: &str| {
            let mut finding = finding("vet", "keepalive", Some("f"), "TestA");
            finding.report.test = None;
            finding.report.go.as_mut().unwrap().file = Some(file.to_owned());
            finding
        };
        let outcome = outcome(vec![at("a.go"), at("a.go"), at("b.go")]);
        let places: Vec<&[String]> = outcome.findings.iter().map(|it| &it.places[..]).collect();
        assert_eq!(places, [["f (a.go:3)"], ["f (b.go:3)"]]);
    }

    #[test]
    fn what_does_not_build_is_told_once() {
        let mut outcome = outcome(Vec::new());
        let mut vet = EngineOutcome::left_out(row("vet"), State::On);
        vet.trouble = vec![
            Trouble::words("m/c", "it needs m/a, m/b"),
            Trouble::words("m/a", "does not type-check"),
            Trouble::words("m/b", "it needs m/a"),
            Trouble::words("m/d", "it needs m/a, m/e"),
        ];
        outcome.engines.push(vet.clone());
        outcome.fold(None, false);
        assert_eq!(outcome.engines[2].trouble.len(), 4, "plain has built them");

        let unbuilt = Trouble::not_built("m/a", "no header".to_owned());
        outcome.engines[0].trouble.push(unbuilt);
        // Its own trouble with a package that plain cannot build is another thing.
        let asan = Trouble::words("m/a", "it ended with exit status 2");
        outcome.engines[1].trouble.push(asan);
        outcome.fold(None, false);
        let left: Vec<_> = outcome.engines.iter().map(|it| it.trouble.len()).collect();
        assert_eq!(left, [1, 1, 1]);
        assert_eq!(outcome.engines[2].trouble[0].package, "m/d");
        let unread = &outcome.engines[2].left_unread;
        assert_eq!(unread.len(), 3, "{unread:?}");
        assert!(
            unread.contains(&"m/b: it needs m/a".to_owned()),
            "{unread:?}"
        );
    }

    #[test]
    fn a_warning_is_told_and_is_red_where_strictness_is_asked_for() {
        let mut warning = finding("asan", "cstring", Some("a/b.f"), "TestA");
        warning.severity = Severity::Warning;
        let mut outcome = outcome(vec![warning]);
        assert!(outcome.is_green());
        assert_eq!(outcome.headline(), "no finding; 1 warning");
        assert_eq!(outcome.engines[1].shown(), "no finding, 1 warning");
        outcome.fold(None, true);
        assert!(!outcome.is_green());
        assert_eq!(outcome.headline(), "1 finding");
        // One of the same signature that is an error makes all of them one.
        let error = finding("asan", "cstring", Some("a/b.f"), "TestA");
        let warning = outcome.engines[1].findings[0].clone();
        outcome.engines[1].findings.extend([error, warning]);
        outcome.fold(None, false);
        assert!(!outcome.is_green());
        assert_eq!(outcome.headline(), "1 finding");
        assert_eq!(outcome.engines[1].shown(), "1 finding");
    }

    #[test]
    fn findings_of_source_read_alike_where_only_their_places_differ() {
        let at = |file: &str| {
            let mut finding = finding("asan", "keepalive", Some("f"), "");
            (finding.report.test, finding.tests) = (None, Vec::new());
            finding.report.go.as_mut().unwrap().file = Some(file.to_owned());
            finding
        };
        let outcome = outcome(vec![at("a.go"), at("b.go")]);
        let [one, other] = &outcome.findings[..] else {
            panic!("{:?}", outcome.findings);
        };
        assert!(one.reads_like(other));
        let differing: [fn(&mut Folded); 6] = [
            |it| it.old = true,
            |it| it.accepted = Some("why".to_owned()),
            |it| it.first.severity = Severity::Warning,
            |it| it.first.report.class = "cstring".to_owned(),
            |it| it.engines.push("vet".to_owned()),
            |it| it.tests.push("TestA".to_owned()),
        ];
        for (number, differ) in differing.into_iter().enumerate() {
            let mut other = other.clone();
            differ(&mut other);
            assert!(!one.reads_like(&other), "{number}");
            assert!(!other.reads_like(one), "{number}");
        }
    }

    #[test]
    fn equal_signatures_are_one_finding() {
        let same = |test| finding("asan", "leak", Some("a/b.f"), test);
        let outcome = outcome(vec![
            same("TestA"),
            same("TestB"),
            finding("asan", "leak", None, "TestA"),
        ]);
        assert_eq!(outcome.findings.len(), 2);
        assert_eq!(outcome.findings[0].times, 2);
        assert_eq!(outcome.findings[0].tests, ["TestA", "TestB"]);
        assert_eq!(outcome.headline(), "2 findings");
        assert!(!outcome.is_green());
    }

    #[test]
    fn tests_that_skip_themselves_are_left_out_aloud() {
        let mut outcome = outcome(Vec::new());
        outcome.engines[0].skipped = 1;
        outcome.engines[1].skipped = 3;
        let says = "no finding; left out: 1 test that skips itself, 2 more tests that skip themselves in asan";
        assert_eq!(outcome.headline(), says);
        assert!(outcome.is_green());
    }

    #[test]
    fn packages_are_told_apart_and_the_accesses_of_a_race_are_a_pair() {
        let race = |one: &str, other: &str| {
            let mut finding = finding("race", "data race", Some(one), "TestA");
            finding.report.other = finding.report.go.clone().map(|it| Place {
                function: other.to_owned(),
                ..it
            });
            finding
        };
        let mut elsewhere = race("f", "g");
        elsewhere.package = "a/c".to_owned();
        let outcome = outcome(vec![
            race("f", "g"),
            race("g", "f"),
            race("f", "h"),
            elsewhere,
        ]);
        let times: Vec<usize> = outcome.findings.iter().map(|it| it.times).collect();
        assert_eq!(times, [2, 1, 1]);
        assert_eq!(
            outcome.findings[1].places,
            ["f (3)", "h (3)"].map(|it| it.replace(" (3)", ""))
        );
    }

    #[test]
    fn a_leak_is_old_only_if_all_its_tests_are() {
        let leak = |tests: &[&str]| {
            let mut leak = finding(
                "asan",
                "leak of C.CString, C.CBytes or C.malloc",
                None,
                tests[0],
            );
            leak.tests = tests.iter().map(|it| (*it).to_owned()).collect();
            leak
        };
        let baseline = baseline::tests::of(&outcome(vec![leak(&["TestA", "TestB"])]).findings);
        for (tests, is_old) in [
            (&["TestA", "TestB"][..], true),
            (&["TestB"], true),
            (&["TestA", "TestNew"], false),
        ] {
            let mut outcome = outcome(vec![leak(tests)]);
            outcome.fold(Some(&baseline), false);
            assert_eq!(outcome.is_green(), is_old, "{tests:?}");
        }
    }

    #[test]
    fn packages_for_which_no_time_was_left_are_in_the_headline() {
        let mut outcome = outcome(Vec::new());
        outcome.engines[1].cut = 2;
        let says = "no finding; left out: 2 packages in asan for want of time";
        assert_eq!(outcome.headline(), says);
    }

    #[test]
    fn one_true_report_is_not_hidden_by_a_false_alarm_of_the_same_place() {
        let mut known = finding("asan", "leak", Some("a/b.f"), "TestA");
        let alarm = r#"{"engines": [], "class": "leak", "reason": "r", "reference": "https://example.com"}"#;
        known.known = Some(serde_json::from_str(alarm).unwrap());
        let alone = outcome(vec![known.clone()]);
        assert!(alone.is_green());
        assert_eq!(alone.engines[1].shown(), "no finding, 1 known false alarm");
        let new = finding("asan", "leak", Some("a/b.f"), "TestB");
        for findings in [[known.clone(), new.clone()], [new, known]] {
            let both = outcome(findings.to_vec());
            assert!(!both.is_green());
            assert_eq!(both.headline(), "1 finding");
            assert_eq!(both.engines[1].shown(), "1 finding");
        }
    }

    #[test]
    fn an_entry_for_one_test_does_not_accept_what_others_show() {
        let entries = [Accept {
            test: Some("TestA".to_owned()),
            engine: None,
            frame: None,
            reason: "r".to_owned(),
            reference: None,
        }];
        let report = finding("asan", "leak", None, "TestA").report;
        let tests = |names: &[&str]| {
            let names: Vec<String> = names.iter().map(|it| (*it).to_owned()).collect();
            accepting(&entries, &report, &[], &names).next().is_some()
        };
        assert!(tests(&["TestA"]) && !tests(&["TestA", "TestB"]) && !tests(&[]));
    }

    #[test]
    fn green_is_only_what_was_judged() {
        let clean = outcome(Vec::new());
        assert!(clean.is_green());
        assert_eq!(clean.headline(), "no finding");
        let with = |change: fn(&mut Outcome)| {
            let mut changed = clean.clone();
            change(&mut changed);
            changed
        };
        for (change, says) in [
            (
                (|it| it.engines[1].state = State::Off("x".to_owned())) as fn(&mut Outcome),
                "asan is OFF",
            ),
            (
                |it| it.engines[1].state = State::Stopped,
                "asan was stopped",
            ),
            (|it| it.engines[0].tests = 0, "no test ran"),
            (|it| it.interrupted = true, "stopped by Ctrl-C"),
            (
                |it| {
                    it.engines[0]
                        .trouble
                        .push(Trouble::package(&Package::default(), "x"))
                },
                "plain tests: 1 not green",
            ),
            (
                |it| {
                    it.engines[1]
                        .trouble
                        .push(Trouble::package(&Package::default(), "x"))
                },
                "1 failure without a report in asan",
            ),
        ] {
            let changed = with(change);
            assert!(!changed.is_green(), "{says}");
            assert!(changed.headline().contains(says), "{}", changed.headline());
        }
        // An engine that cannot be built here, or for which no time was left, is no mistake of the module; the
        // headline says so.
        for (state, says) in [
            (
                State::Unsupported("x".to_owned()),
                "asan is unsupported here",
            ),
            (State::NotRun("x".to_owned()), "asan did not run"),
        ] {
            let mut left_out = clean.clone();
            left_out.engines[1].state = state;
            assert!(left_out.is_green());
            assert!(left_out.headline().contains(says));
        }
    }

    #[test]
    fn old_findings_and_false_alarms_are_told_and_do_not_count() {
        let mut outcome = outcome(vec![finding("asan", "leak", Some("a/b.f"), "TestA")]);
        let baseline = baseline::tests::of(&outcome.findings);
        outcome.fold(Some(&baseline), false);
        assert!(outcome.is_green());
        assert_eq!(outcome.headline(), "no finding; 1 in the baseline");
    }

    #[test]
    fn an_accepted_finding_is_told_and_an_entry_without_one_too() {
        let accept = |engine: &str, test: &str| Accept {
            engine: Some(engine.to_owned()),
            test: Some(test.to_owned()),
            frame: None,
            reason: "kept on purpose".to_owned(),
            reference: None,
        };
        let description = Description {
            accept: vec![
                accept("asan", "TestA"),
                accept("asan", "TestB"),
                accept("race", "TestA"),
                Accept {
                    engine: None,
                    ..accept("", "TestB")
                },
            ],
            ..Description::default()
        };
        let mut outcome = outcome(vec![finding("asan", "leak", Some("a/b.f"), "TestA")]);
        // What another engine sees as well is more than was accepted.
        let mut wider = outcome.clone();
        wider.findings[0].engines.push("race".to_owned());
        wider.accept(&description);
        assert!(!wider.is_green());
        outcome.accept(&description);
        assert!(outcome.is_green());
        // Race did not run, nor did all others: neither entry could fit all that it is about.
        assert_eq!(
            outcome.headline(),
            "no finding; 1 accepted; accepted and not found: asan TestB"
        );
        // Nothing else was looked for.
        let mut ended = outcome.clone();
        ended.engines.last_mut().unwrap().ended = 1;
        let said = ended.headline();
        assert!(
            said.ends_with("left out: the rest of 1 search, ended by a finding"),
            "{said}"
        );
        let ran = |it: &&Engine| !it.on_request;
        outcome.engines = ENGINES
            .iter()
            .filter(ran)
            .map(|it| EngineOutcome::left_out(it, State::On))
            .collect();
        outcome.accept(&description);
        assert_eq!(outcome.unused, ["asan TestB", "race TestA", "TestB"]);
        // Of two that fit the first is told, and neither is unused.
        let mut second = accept("asan", "TestA");
        second.reason = "second".to_owned();
        let both = Description {
            accept: vec![accept("asan", "TestA"), second],
            ..Description::default()
        };
        outcome.accept(&both);
        let reason = outcome.findings[0].accepted.as_deref();
        assert_eq!(reason, Some("kept on purpose"));
        assert!(outcome.unused.is_empty());
    }
}
