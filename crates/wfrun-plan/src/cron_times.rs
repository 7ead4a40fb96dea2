//! When a line of `schedule` comes due, by a clock on the wall: no time zone, no now.

/// A minute on the wall's clock and calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct CivilMinute {
    /// The year.
    pub year: i16,
    /// The month, from 1.
    pub month: u8,
    /// The day of the month, from 1.
    pub day: u8,
    /// The hour, from 0 to 23.
    pub hour: u8,
    /// The minute, from 0 to 59.
    pub minute: u8,
}

/// The five fields of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CronTimes {
    /// A bit for each value.
    minutes: u64,
    hours: u64,
    days: u64,
    months: u64,
    weekdays: u64,
    /// Whether a day has to fit either its number or its weekday, because both are restricted.
    either_day: bool,
}

const MONTHS: &[&str] = &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const DAYS: &[&str] = &["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/// Every day that is ever due comes within so many days: February 29 skips one leap year in a hundred.
const LOOK_AHEAD: usize = 366 * 8 + 1;

impl CronTimes {
    /// Reads a line; none for one that GitHub refuses.
    ///
    /// Source: GitHub: planning rules 2.8.
    pub fn parse(line: &str) -> Option<Self> {
        let fields: Vec<_> = line.split(' ').filter(|it| !it.is_empty()).collect();
        let &[minute, hour, day, month, weekday] = fields.as_slice() else { return None };
        Some(Self {
            minutes: field(minute, 0, 59, &[])?,
            hours: field(hour, 0, 23, &[])?,
            days: field(day, 1, 31, &[])?,
            months: field(month, 1, 12, MONTHS)?,
            weekdays: field(weekday, 0, 6, DAYS)?,
            either_day: day != "*" && weekday != "*",
        })
    }

    /// The first minute behind `after` at which the line comes due; none if it never does.
    pub fn next(&self, after: CivilMinute) -> Option<CivilMinute> {
        let mut day = CivilMinute { hour: 0, minute: 0, ..after };
        // On the first day only what is later counts.
        let mut earliest = (after.hour, after.minute.checked_add(1)?);
        for _ in 0..LOOK_AHEAD {
            if self.has_day(day) {
                let minutes = (earliest.0..24).filter(|it| has(self.hours, *it)).find_map(|hour| {
                    let from = if hour == earliest.0 { earliest.1 } else { 0 };
                    (from..60).find(|it| has(self.minutes, *it)).map(|minute| (hour, minute))
                });
                if let Some((hour, minute)) = minutes {
                    return Some(CivilMinute { hour, minute, ..day });
                }
            }
            day = tomorrow(day)?;
            earliest = (0, 0);
        }
        None
    }

    /// Whether the line is due on a day: with both restricted, its number or its weekday suffices.
    ///
    /// Source: POSIX, crontab; GitHub: planning rules 2.8.
    fn has_day(&self, it: CivilMinute) -> bool {
        let (number, weekday) = (has(self.days, it.day), has(self.weekdays, weekday(it)));
        let fits = if self.either_day { number || weekday } else { number && weekday };
        fits && has(self.months, it.month)
    }
}

fn has(set: u64, value: u8) -> bool {
    set >> value & 1 == 1
}

fn field(text: &str, least: u8, most: u8, names: &[&str]) -> Option<u64> {
    let value = |text: &str| {
        let named = names.iter().position(|it| it.eq_ignore_ascii_case(text));
        let named = named.and_then(|it| u8::try_from(it).ok()).map(|it| it + least);
        let digits = text.bytes().all(|it| it.is_ascii_digit());
        named.or_else(|| text.parse().ok().filter(|_| digits)).filter(|it| (least..=most).contains(it))
    };
    let mut set = 0;
    for item in text.split(',') {
        let (span, step) = match item.split_once('/') {
            Some((span, step)) => (span, Some(step.parse::<u8>().ok().filter(|it| *it > 0)?)),
            None => (item, None),
        };
        let (from, to) = match span.split_once('-') {
            _ if span == "*" => (least, most),
            Some((from, to)) => (value(from)?, value(to)?),
            // A number with a step goes on to the end.
            None => (value(span)?, if step.is_some() { most } else { value(span)? }),
        };
        if from > to {
            return None;
        }
        set |= (from..=to).step_by(step.unwrap_or(1).into()).fold(0, |set, it| set | 1 << it);
    }
    Some(set)
}

fn tomorrow(it: CivilMinute) -> Option<CivilMinute> {
    let leap = it.year % 4 == 0 && (it.year % 100 != 0 || it.year % 400 == 0);
    let days = match it.month {
        2 => 28 + u8::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    Some(match (it.month, it.day) {
        (_, day) if day < days => CivilMinute { day: day + 1, ..it },
        (month, _) if month < 12 => CivilMinute { month: month + 1, day: 1, ..it },
        _ => CivilMinute { year: it.year.checked_add(1)?, month: 1, day: 1, ..it },
    })
}

/// The day of the week, 0 for Sunday.
///
/// Source: Tomohiko Sakamoto's rule for the Gregorian calendar.
fn weekday(it: CivilMinute) -> u8 {
    let shift = [0, 3, 2, 5, 0, 3, 5, 1, 4, 6, 2, 4];
    let month = shift.get(usize::from(it.month) - 1).copied().unwrap_or(0);
    let year = i32::from(it.year) - i32::from(it.month < 3);
    let day = year + year / 4 - year / 100 + year / 400 + month + i32::from(it.day);
    u8::try_from(day.rem_euclid(7)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> CivilMinute {
        let mut numbers = text.split(['-', ' ', ':']).map(|it| it.parse::<i16>().expect("a number"));
        let mut next = || numbers.next().expect("a part");
        let year = next();
        let mut small = || u8::try_from(next()).expect("small");
        CivilMinute { year, month: small(), day: small(), hour: small(), minute: small() }
    }

    fn show(it: CivilMinute) -> String {
        format!("{:04}-{:02}-{:02} {:02}:{:02}", it.year, it.month, it.day, it.hour, it.minute)
    }

    #[test]
    fn next_times() {
        // 2026-11-25 is a Wednesday.
        let now = "2026-11-25 21:59";
        for (line, from, expected) in [
            ("* * * * *", now, "2026-11-25 22:00"),
            ("*/15 * * * *", now, "2026-11-25 22:00"),
            ("59 21 * * *", now, "2026-11-26 21:59"),
            ("30 5 * * mon-FRI", now, "2026-11-26 05:30"),
            ("30 5 * * 0", now, "2026-11-29 05:30"),
            ("0 0 1 * *", now, "2026-12-01 00:00"),
            ("0 0 1 jan *", now, "2027-01-01 00:00"),
            ("5/20 3 * * *", now, "2026-11-26 03:05"),
            ("5/20 3 * * *", "2026-11-26 03:05", "2026-11-26 03:25"),
            ("10-12,40 * * * *", "2026-11-25 21:12", "2026-11-25 21:40"),
            ("0 0 29 2 *", now, "2028-02-29 00:00"),
            ("0 0 29 2 *", "2096-03-01 00:00", "2104-02-29 00:00"),
            ("0 0 31 * *", "2026-11-01 00:00", "2026-12-31 00:00"),
            // Both restricted: either will do.
            ("0 0 13 * 5", "2026-11-25 00:00", "2026-11-27 00:00"),
            ("0 0 26 * 5", "2026-11-25 00:00", "2026-11-26 00:00"),
            ("0 0 */31 * 5", "2026-11-28 00:00", "2026-12-01 00:00"),
            ("59 23 31 12 *", "2026-12-31 23:59", "2027-12-31 23:59"),
        ] {
            let times = CronTimes::parse(line).unwrap_or_else(|| panic!("{line}"));
            assert_eq!(times.next(read(from)).map(show).as_deref(), Some(expected), "{line}");
        }
        let never = CronTimes::parse("0 0 30 2 *").expect("a line");
        assert_eq!(never.next(read(now)), None);
    }

    #[test]
    fn refused() {
        for line in ["", "* * * *", "60 * * * *", "* * * * 7", "@daily", "*/0 * * * *", "5-1 * * * *", "+1 * * * *"] {
            assert_eq!(CronTimes::parse(line), None, "{line}");
        }
    }
}
