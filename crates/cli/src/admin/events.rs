//! `doorward events`

use doorward::audit::{self, Recorded};

use super::{Desk, or_dash};
use crate::{args::Events, failure::Failure, output::table};

/// How many events are read at a time.
const BATCH: u32 = 500;

pub(crate) async fn show(desk: Desk, filter: Events) -> Result<(), Failure> {
    let user = match &filter.user {
        Some(who) => Some(desk.account(who).await?.user.id),
        None => None,
    };
    let is_wanted = |event: &Recorded| {
        let is_of_user = user.is_none() || user == event.subject || user == event.actor;
        is_of_user && filter.kind.as_ref().is_none_or(|kind| *kind == event.kind)
    };
    let most = filter.limit as usize;
    let mut shown: Vec<Recorded> = Vec::new();
    let mut before = None;
    while shown.len() < most {
        let batch = audit::all(&desk.doorward, before, BATCH).await?;
        let is_last = batch.len() < BATCH as usize;
        before = batch.last().map(|event| event.id);
        let recent: Vec<Recorded> = batch
            .into_iter()
            .take_while(|event| filter.since <= Some(event.at))
            .collect();
        let reached = recent.last().map(|event| event.id) != before;
        shown.extend(
            recent
                .into_iter()
                .filter(is_wanted)
                .take(most - shown.len()),
        );
        if is_last || reached {
            break;
        }
    }
    desk.output.answer(&shown, || {
        let rows = shown.iter().map(|event| {
            [
                event.at.to_string(),
                event.kind.clone(),
                if event.success { "ok" } else { "failed" }.to_owned(),
                or_dash(event.actor.as_ref()),
                or_dash(event.subject.as_ref()),
                or_dash(event.ip.as_ref()),
                event.detail.clone().unwrap_or_default(),
            ]
        });
        table(
            ["TIME", "EVENT", "RESULT", "BY", "TO", "FROM", "DETAIL"],
            rows,
        )
    })
}
