//! `cargo lab run`: runs engines, has their records judged, and writes results and reports.

mod outlook;

use std::time::Instant;

use anyhow::Result;

use crate::engine::{Context, Engine, Engines, Subject};
use crate::faults::proven::Proven;
use crate::foreign::fuzz::Suites;
use crate::host::child;
use crate::host::out;
use crate::host::out::one_line;
use crate::host::progress::Progress;
use crate::host::tools::{self, Need, Tools};
use crate::host::workspace::Workspace;
use crate::record::profile::Profile;
use crate::record::results::RunFolder;
use crate::record::{Kind, Outcome, Record};
use crate::report::{self, Identity};
use crate::verdict::accept::Accepted;
use crate::verdict::{EngineFacts, EngineRun, Verdict, judge};

/// An engine of this run, with the reason if it is left out.
struct Asked<'a> {
    engine: &'a dyn Engine,
    lacking: Option<String>,
}

/// Runs the engines that `only` names, or all, and returns `true` if the verdict is green.
///
/// An error means that nothing ran and earlier results are intact, or that results could not be
/// written.
pub(crate) fn run(workspace: &Workspace, only: &[String], profile: Profile) -> Result<bool> {
    let subject = Subject::load(workspace)?;
    let engines = subject.engines.select(only)?;
    let catalogue = &subject.catalogue;
    let progress = Progress::new();
    // What was asked for by name must run.
    let lacking = |engine: &dyn Engine| match only {
        [] => tools::lacking(engine.needs()),
        _ => None,
    };
    let engines: Vec<Asked<'_>> = engines
        .into_iter()
        .map(|engine| Asked {
            engine,
            lacking: lacking(engine),
        })
        .collect();
    // What a machine must bring is looked for at once; what can be built waits for its engine.
    let mut tools = Tools::find(workspace, &brought(&engines), &progress)?;
    progress.line(&outlook::estimate(workspace, &engines, profile));
    if let Some(first) = engines.first() {
        first.bring_tools(workspace, &mut tools, &progress)?;
    }
    let folder = RunFolder::create(workspace, &progress)?;
    catalogue.keep(&folder.path().join(report::CATALOGUE))?;
    let started = Instant::now();
    let mut identity = Identity::gather(workspace, &tools, profile, subject.engines.variables());
    identity.replay = subject.file.replay.clone();
    identity.engines = engines.iter().map(Asked::facts).collect();
    identity.not_asked = not_asked(&subject.engines, &identity.engines);
    identity.write(folder.path())?;
    let mut records = Vec::new();
    let mut accepted = Accepted::new(&subject.file.accept);
    for (number, asked) in engines.iter().enumerate() {
        let missing = asked.bring_tools(workspace, &mut tools, &progress).err();
        let started = Instant::now();
        let context = Context {
            workspace,
            file: &subject.file,
            catalogue,
            tools: &tools,
            profile,
            run: &folder,
            progress: &progress,
            fuzz_tests: &Suites,
        };
        let mut found = match missing {
            Some(error) => {
                let why = Some(in_one_line(&error));
                judge::complete(asked.engine.name(), catalogue, Vec::new(), why)
            }
            None => asked.run(&context),
        };
        let is_last = number + 1 == engines.len() && identity.not_asked.is_empty();
        accepted.apply(asked.engine.name(), is_last, &mut found);
        folder.append(&found)?;
        let facts = &mut identity.engines[number];
        facts.seconds = Some(started.elapsed().as_secs_f64());
        let run = EngineRun::of(asked.engine.name(), Some(facts), found.iter().collect());
        progress.line(&report::terminal::engine_line(&run));
        identity.write(folder.path())?;
        records.extend(found);
    }
    identity.tools = crate::host::machine::versions(workspace, &tools);
    identity.seconds = Some(started.elapsed().as_secs_f64());
    identity.interrupted = child::interrupted();
    identity.proven = match Proven::load(workspace, &subject) {
        Ok(proven) => proven.headline(catalogue),
        // The engines have run: their results are told all the same.
        Err(error) => format!("proven by planted bugs: unknown, {}", in_one_line(&error)),
    };
    identity.write(folder.path())?;
    let facts = identity.facts();
    let verdict = Verdict::of(catalogue, &facts, &records);
    // A run that was stopped before any check does not take the place of the one before it.
    let place = if !identity.interrupted || verdict.has_something_to_show() {
        folder.publish()?;
        "target/lab/latest".to_owned()
    } else {
        workspace.shown(folder.path())
    };
    let written = report::write(folder.path(), catalogue, &identity, &verdict);
    progress.finish();
    out::print(report::terminal::report(
        catalogue,
        &verdict,
        &identity.proven,
        &place,
    ))?;
    // Results without a page are results; the exit code tells about them.
    match written {
        Ok(_) => out::line(format_args!("report: {place}/report/index.html"))?,
        Err(error) => out::say(format_args!("no report: {error:#}")),
    }
    Ok(verdict.is_green())
}

/// The tools that cannot be built here.
fn brought(engines: &[Asked<'_>]) -> Vec<Need> {
    let complete = engines.iter().filter(|asked| asked.lacking.is_none());
    let needs = complete.flat_map(|asked| asked.engine.needs()).copied();
    needs.filter(|need| need.built().is_none()).collect()
}

/// The engines that were not requested.
fn not_asked(engines: &Engines, asked: &[EngineFacts]) -> Vec<String> {
    engines
        .names()
        .into_iter()
        .filter(|name| asked.iter().all(|engine| engine.name != *name))
        .map(str::to_owned)
        .collect()
}

impl Asked<'_> {
    fn facts(&self) -> EngineFacts {
        EngineFacts {
            name: self.engine.name().to_owned(),
            what: self.engine.describe().to_owned(),
            seconds: None,
        }
    }

    /// Finds what the engine needs, and builds what can be built.
    fn bring_tools(
        &self,
        workspace: &Workspace,
        tools: &mut Tools,
        progress: &Progress,
    ) -> Result<()> {
        // Nothing is built for an engine that will not run.
        if self.lacking.is_some() || child::interrupted() {
            return Ok(());
        }
        tools.add(workspace, self.engine.needs(), progress)
    }

    /// All records of the engine, including one that says which checks did not run, if any did not.
    fn run(&self, context: &Context<'_>) -> Vec<Record> {
        let (name, catalogue) = (self.engine.name(), context.catalogue);
        let stopped = || child::interrupted().then(|| "interrupted".to_owned());
        let unable = match &self.lacking {
            Some(why) => Ok(Some(why.clone())),
            None if child::interrupted() => Ok(None),
            None => self.engine.unable(context),
        };
        let (records, why) = match unable {
            Ok(Some(why)) => return judge::skipped(name, catalogue, &why),
            Ok(None) => match stopped() {
                Some(why) => (Vec::new(), Some(why)),
                None => prove_and_check(self.engine, context),
            },
            Err(error) => (Vec::new(), Some(in_one_line(&error))),
        };
        judge::complete(name, catalogue, records, stopped().or(why))
    }
}

/// Plants the canary and, if it was caught, the bugs of the engine's stated limits; then runs the checks.
/// Returns the records and, where it is known, the reason why not all checks ran.
fn prove_and_check(engine: &dyn Engine, context: &Context<'_>) -> (Vec<Record>, Option<String>) {
    let name = engine.name();
    let mut canary = match engine.canary(context) {
        Ok(canary) => canary.record(name),
        Err(error) => Record {
            kind: Kind::Canary,
            ..Record::check(name, "canary", Outcome::CanaryOff).because(in_one_line(&error))
        },
    };
    if child::interrupted() {
        canary.outcome = Outcome::NotRun;
        return (vec![canary.because("interrupted")], None);
    }
    if canary.outcome != Outcome::Pass {
        let why = "the canary was not caught".to_owned();
        return (vec![canary], Some(why));
    }
    // After an interrupt an error is no verdict: its checks count as not run.
    let failed = |error: anyhow::Error| {
        let outcome = match child::interrupted() {
            true => Outcome::NotRun,
            false => Outcome::Fail,
        };
        vec![Record::check(name, "engine", outcome).because(in_one_line(&error))]
    };
    let mut records = vec![canary];
    records.extend(engine.limits(context).unwrap_or_else(failed));
    records.extend(engine.checks(context).unwrap_or_else(failed));
    (records, None)
}

fn in_one_line(error: &anyhow::Error) -> String {
    one_line(&format!("{error:#}"), 300)
}

#[cfg(test)]
mod tests {
    use anyhow::bail;

    use super::*;
    use crate::engine::Canary;
    use crate::engine::ask::{Answer, Build, Question};
    use crate::record::Evidence;
    use crate::subject::catalogue::Catalogue;
    use crate::subject::file::SubjectFile;

    /// An engine whose planted bugs and checks end like this.
    struct Scripted {
        canary: fn() -> Result<Option<String>>,
        limits: fn() -> Result<Vec<Record>>,
        checks: fn() -> Result<Vec<Record>>,
    }

    impl Engine for Scripted {
        fn name(&self) -> &str {
            "race"
        }

        fn describe(&self) -> &str {
            "it follows a script"
        }

        fn needs(&self) -> &[Need] {
            &[]
        }

        fn canary(&self, _: &Context<'_>) -> Result<Canary> {
            Ok(Canary {
                check: "planted race".to_owned(),
                missed: (self.canary)()?,
                evidence: Evidence::default(),
                seconds: 0.0,
            })
        }

        fn limits(&self, _: &Context<'_>) -> Result<Vec<Record>> {
            (self.limits)()
        }

        fn checks(&self, _: &Context<'_>) -> Result<Vec<Record>> {
            (self.checks)()
        }

        fn ask(&self, _: &Context<'_>, _: &Question) -> Result<Vec<Answer>> {
            bail!("it is not asked for")
        }

        fn build(&self) -> &Build {
            unreachable!("it is not asked for")
        }
    }

    /// Check, outcome and reason of each record of a run of this engine.
    fn records(engine: &Scripted) -> Vec<(String, Outcome, Option<String>)> {
        let dir = tempfile::tempdir().unwrap();
        let workspace = Workspace::at(dir.path());
        let progress = Progress::new();
        let context = Context {
            workspace: &workspace,
            file: &SubjectFile::default(),
            catalogue: &Catalogue::default(),
            tools: &Tools::default(),
            profile: Profile::Quick,
            run: &RunFolder::create(&workspace, &progress).unwrap(),
            progress: &progress,
            fuzz_tests: &Suites,
        };
        let asked = Asked {
            engine,
            lacking: None,
        };
        let records = asked.run(&context).into_iter();
        records
            .map(|record| (record.check, record.outcome, record.reason))
            .collect()
    }

    fn record(
        check: &str,
        outcome: Outcome,
        why: Option<&str>,
    ) -> (String, Outcome, Option<String>) {
        (check.to_owned(), outcome, why.map(str::to_owned))
    }

    fn passes() -> Result<Vec<Record>> {
        Ok(vec![Record::check("race", "TestX", Outcome::Pass)])
    }

    #[test]
    fn no_check_counts_behind_a_canary_that_was_not_caught() {
        let behind = |canary: fn() -> Result<Option<String>>| {
            let mut found = records(&Scripted {
                canary,
                limits: passes,
                checks: passes,
            });
            let (_, outcome, reason) = found.pop().unwrap();
            let why = Some("the canary was not caught");
            assert_eq!((outcome, reason.as_deref()), (Outcome::NotRun, why));
            found
        };
        let off = |check, why| [record(check, Outcome::CanaryOff, Some(why))];
        let missed = behind(|| Ok(Some("it passed".to_owned())));
        assert_eq!(missed, off("planted race", "it passed"));
        let fails = behind(|| bail!("no such folder"));
        assert_eq!(fails, off("canary", "no such folder"));
    }

    #[test]
    fn limits_or_checks_that_cannot_run_fail() {
        let ok = || Ok(Vec::new());
        let fails = || bail!("no such folder");
        let caught = record("planted race", Outcome::Pass, None);
        let failed = record("engine", Outcome::Fail, Some("no such folder"));
        let passed = record("TestX", Outcome::Pass, None);
        let found = |limits, checks| {
            records(&Scripted {
                canary: || Ok(None),
                limits,
                checks,
            })
        };
        assert_eq!(found(ok, passes), [caught.clone(), passed.clone()]);
        assert_eq!(found(ok, fails), [caught.clone(), failed.clone()]);
        assert_eq!(found(fails, passes), [caught, failed, passed]);
    }

    #[test]
    fn what_nobody_asked_for_is_the_rest() {
        let engines = Engines::of(&SubjectFile::default());
        let names = |only: &[&str]| {
            let only: Vec<String> = only.iter().map(|name| (*name).to_owned()).collect();
            let chosen = engines.select(&only).unwrap().into_iter();
            let asked = chosen.map(|engine| Asked {
                engine,
                lacking: None,
            });
            not_asked(
                &engines,
                &asked.map(|asked| asked.facts()).collect::<Vec<_>>(),
            )
        };
        assert!(names(&[]).is_empty());
        let rest = names(&["race"]);
        assert_eq!(rest.len(), engines.names().len() - 1);
        assert!(!rest.contains(&"race".to_owned()));
    }
}
