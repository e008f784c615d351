//! Load in two forms: a *closed loop*, in which each visitor begins anew when they have been served, tells how much a server
//! can do; an *open loop*, in which visits are due at fixed moments, tells how long they wait. A wait counts from the moment
//! that a visit was due, so that a server which stalls is charged for everyone whom it kept waiting.

use std::time::Duration;

use doorward_rig::Result;
use hdrhistogram::Histogram;
use tokio::{task::JoinSet, time::sleep_until};

use crate::machine::{Usage, moment};

/// One who comes again and again.
pub(crate) trait Visitor: Send + 'static {
    /// A visit from beginning to end.
    fn visit(&mut self) -> impl Future<Output = Result<()>> + Send;
}

/// How long a load lasts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Times {
    /// Not measured.
    pub warm_up: Duration,
    pub measured: Duration,
}

/// What a load has shown.
pub(crate) struct Measured {
    /// Visits per second.
    pub rate: f64,
    /// Visits, those of the warm-up included.
    pub visits: u64,
    /// Nanoseconds from beginning, or from when it was due, to end.
    latency: Histogram<u64>,
    /// How much of a core the server had, and how much this process.
    pub server: f64,
    pub generator: f64,
}

impl Measured {
    /// What so many of 100 visits took at most, in milliseconds.
    pub(crate) fn percentile(&self, of_hundred: f64) -> f64 {
        Duration::from_nanos(self.latency.value_at_percentile(of_hundred)).as_secs_f64() * 1000.0
    }

    /// Whether the generator, not the server, was what set the pace.
    pub(crate) fn was_the_generators(&self) -> bool {
        self.generator > 0.95 && self.server < 0.9
    }
}

/// Serves all visitors as fast as the server can.
pub(crate) async fn closed(
    visitors: Vec<impl Visitor>,
    server: Option<u32>,
    times: Times,
) -> Result<Measured> {
    run(visitors, server, times, |_, _| None).await
}

/// Has so many visits a second become due, evenly.
pub(crate) async fn open(
    visitors: Vec<impl Visitor>,
    server: Option<u32>,
    times: Times,
    per_second: f64,
) -> Result<Measured> {
    let between = Duration::from_secs_f64(1.0 / per_second);
    let all = u32::try_from(visitors.len())?;
    run(visitors, server, times, move |visitor, turn| {
        Some(between * visitor + between * all * turn)
    })
    .await
}

async fn run(
    visitors: Vec<impl Visitor>,
    server: Option<u32>,
    times: Times,
    due: impl Fn(u32, u32) -> Option<Duration> + Copy + Send + 'static,
) -> Result<Measured> {
    let start = moment();
    let from = start + times.warm_up;
    let to = from + times.measured;
    let mut under_way = JoinSet::new();
    for (number, mut visitor) in (0..).zip(visitors) {
        under_way.spawn(async move {
            let (mut latency, mut visits) = (Histogram::<u64>::new(3)?, 0);
            for turn in 0.. {
                let began = match due(number, turn) {
                    Some(offset) => start + offset,
                    None => moment(),
                };
                if began >= to {
                    break;
                }
                sleep_until(began.into()).await;
                visitor.visit().await?;
                visits += 1;
                let ended = moment();
                if began >= from && ended <= to {
                    latency.record(u64::try_from((ended - began).as_nanos())?)?;
                }
            }
            Ok::<_, doorward_rig::Failure>((latency, visits))
        });
    }
    sleep_until(from.into()).await;
    let before = (Usage::of(server)?, Usage::own()?);
    sleep_until(to.into()).await;
    let after = (Usage::of(server)?, Usage::own()?);

    let (mut latency, mut visits) = (Histogram::<u64>::new(3)?, 0);
    while let Some(visitor) = under_way.join_next().await {
        let (theirs, count) = visitor??;
        latency.add(theirs)?;
        visits += count;
    }
    let seconds = times.measured.as_secs_f64();
    Ok(Measured {
        rate: f64::from(u32::try_from(latency.len())?) / seconds,
        visits,
        latency,
        server: before.0.until(&after.0) / seconds,
        generator: before.1.until(&after.1) / seconds,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Stalls {
        once: bool,
    }

    impl Visitor for Stalls {
        async fn visit(&mut self) -> Result<()> {
            if std::mem::take(&mut self.once) {
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
            Ok(())
        }
    }

    /// One visit that took 200 ms made 19 others late, which were due meanwhile.
    #[tokio::test]
    async fn whoever_was_kept_waiting_counts() {
        let times = Times {
            warm_up: Duration::ZERO,
            measured: Duration::from_millis(400),
        };
        let visitors = vec![Stalls { once: true }];

        let measured = open(visitors, None, times, 100.0).await.unwrap();

        assert!(measured.percentile(100.0) >= 200.0);
        assert!(
            measured.percentile(60.0) >= 20.0,
            "the next ones waited as well"
        );
    }
}
