//! Which entry of `schedule` is due, and when it comes due next.
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{Timestamp, Zoned};
use wfrun_plan::{CivilMinute, CronTimes};
use wfrun_workflow::{Schedule, Workflow};

use super::Making;
use crate::output::Help;

/// So many times are told.
const TOLD: usize = 3;

/// The text of the entry that is due: the given one, or the first.
pub(super) fn schedule(making: &mut Making<'_>) -> anyhow::Result<Option<String>> {
    let given = making.asked.args.schedule.clone();
    let asked = making.asked.text("--schedule", given.as_deref(), "/schedule");
    let found = due(making.workflow, given.as_deref(), asked.as_deref())?;
    if let Some(entry) = found {
        let told = told(entry);
        making.notices.push(told);
    }
    Ok(found.map(|it| it.cron.value.clone()).or(asked))
}

/// The entry that is due: the one that is asked for, or the first; one that is `given` must be there.
pub(crate) fn due<'w>(
    workflow: &'w Workflow,
    given: Option<&str>,
    asked: Option<&str>,
) -> anyhow::Result<Option<&'w Schedule>> {
    let entries = workflow.on.event("schedule").map(|it| it.schedule.as_slice()).unwrap_or_default();
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let found = match asked {
        None => entries.first(),
        Some(asked) => entries.iter().find(|it| words(&it.cron.value) == words(asked)),
    };
    if let (None, Some(given), false) = (found, given, entries.is_empty()) {
        let listed: Vec<_> = entries.iter().map(|it| format!("`{}`", it.cron.value)).collect();
        let help = format!("its entries are: {}", listed.join(", "));
        return Err(Help::error("cli/schedule", format!("`schedule` has no entry `{given}`"), help));
    }
    Ok(found)
}

fn told(entry: &Schedule) -> String {
    let cron = &entry.cron.value;
    let name = entry.timezone.as_ref().map_or("UTC", |it| it.value.as_str());
    let Ok(zone) = TimeZone::get(name) else {
        return format!(
            "this machine does not know the time zone `{name}`, so the next times of `{cron}` are not told"
        );
    };
    let times = CronTimes::parse(cron).map(|it| next_times(&it, &zone, Timestamp::now(), TOLD)).unwrap_or_default();
    let times: Vec<_> = times.iter().map(|it| it.strftime("%a %Y-%m-%d %H:%M").to_string()).collect();
    if times.is_empty() {
        return format!("`{cron}` never comes due");
    }
    format!("`{cron}` comes due next at {} ({name})", times.join(", "))
}

/// The next `count` times at which a line comes due.
///
/// What falls into the gap of a change of clocks comes right behind it, once; what falls into an hour that comes
/// twice counts the first time.
/// Source: GitHub: planning rules 2.8.
fn next_times(times: &CronTimes, zone: &TimeZone, now: Timestamp, count: usize) -> Vec<Zoned> {
    let mut at = civil(&now.to_zoned(zone.clone()));
    let mut found: Vec<Zoned> = Vec::new();
    // What is due in the gap is told once, and there are at most so many minutes in a gap.
    for _ in 0..count + 24 * 60 {
        let Some(next) = times.next(at) else { break };
        at = next;
        let Some(zoned) = instant(next, zone) else { break };
        let is_new = found.last().is_none_or(|it| *it < zoned) && zoned.timestamp() > now;
        if is_new {
            found.push(zoned);
        }
        if found.len() == count {
            break;
        }
    }
    found
}

fn civil(it: &Zoned) -> CivilMinute {
    let small = |it: i8| u8::try_from(it).unwrap_or(0);
    CivilMinute {
        year: it.year(),
        month: small(it.month()),
        day: small(it.day()),
        hour: small(it.hour()),
        minute: small(it.minute()),
    }
}

fn instant(it: CivilMinute, zone: &TimeZone) -> Option<Zoned> {
    let small = |it: u8| i8::try_from(it).ok();
    let time = DateTime::new(it.year, small(it.month)?, small(it.day)?, small(it.hour)?, small(it.minute)?, 0, 0);
    let ambiguous = zone.to_ambiguous_zoned(time.ok()?);
    if matches!(ambiguous.offset(), AmbiguousOffset::Gap { .. }) {
        // The end of the gap is the change of clocks before the time on the wall that would be read behind it.
        let behind = ambiguous.later().ok()?.timestamp();
        let change = zone.preceding(behind).next()?.timestamp();
        return Some(change.to_zoned(zone.clone()));
    }
    ambiguous.compatible().ok()
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZoneDatabase;

    use super::*;

    /// Minimal systems have no `/usr/share/zoneinfo`.
    #[test]
    fn time_zones_are_known_where_the_machine_has_none() {
        for name in ["Europe/Berlin", "America/New_York", "Asia/Kolkata", "UTC"] {
            let found = TimeZoneDatabase::bundled().get(name);
            assert_eq!(found.expect("it is in the program").iana_name(), Some(name));
        }
    }

    #[test]
    fn clocks_that_change() {
        let zone = TimeZone::posix("EST5EDT,M3.2.0,M11.1.0").expect("a zone");
        for (line, now, expected) in [
            ("30 2 * * *", "2026-03-07T12:00:00Z", "2026-03-08 03:00 2026-03-09 02:30 2026-03-10 02:30"),
            ("*/20 2 * * *", "2026-03-08T05:00:00Z", "2026-03-08 03:00 2026-03-09 02:00 2026-03-09 02:20"),
            ("0 * 8 3 *", "2026-03-08T06:10:00Z", "2026-03-08 03:00 2026-03-08 04:00 2026-03-08 05:00"),
            ("30 1 * * *", "2026-11-01T04:00:00Z", "2026-11-01 01:30 2026-11-02 01:30 2026-11-03 01:30"),
            ("0 12 * * *", "2026-06-01T16:00:00Z", "2026-06-02 12:00 2026-06-03 12:00 2026-06-04 12:00"),
            ("0 0 30 2 *", "2026-06-01T16:00:00Z", ""),
        ] {
            let times = CronTimes::parse(line).expect("a line");
            let found = next_times(&times, &zone, now.parse().expect("a time"), 3);
            let found: Vec<_> = found.iter().map(|it| it.strftime("%Y-%m-%d %H:%M").to_string()).collect();
            assert_eq!(found.join(" "), expected, "{line}");
        }
    }
}
