//! The audit log.

use altair_protocol::rpc::{AuditKind, Audited};

use super::{Human, WIDTH, ending, minute};
use crate::paint::{Paint, safe_short};

impl Human for Audited {
    fn human(&self, paint: Paint) -> String {
        let quoted = |text: &str| format!("\"{}\"", safe_short(text, WIDTH));
        let mut parts = vec![paint.dim(minute(self.at))];
        parts.push(match self.what {
            AuditKind::Granted => "granted".to_owned(),
            AuditKind::Used => "used".to_owned(),
            AuditKind::Refused => paint.red("refused"),
            AuditKind::Revoked => "revoked all".to_owned(),
        });
        if let Some(method) = &self.method {
            parts.push(safe_short(method, WIDTH));
        }
        if let Some(entity) = self.entity {
            parts.push(paint.yellow(ending(entity)));
        }
        if let Some(name) = &self.name {
            parts.push(match self.what {
                AuditKind::Granted => format!("to {}", quoted(name)),
                _ => format!("by {}", quoted(name)),
            });
        }
        if let Some(may) = &self.may {
            let rights: Vec<_> = may.iter().map(|right| right.as_str()).collect();
            parts.push(format!("to {}", rights.join(", ")));
        }
        if let Some(kinds) = &self.kinds {
            let kinds: Vec<_> = kinds.iter().map(|kind| kind.as_str()).collect();
            parts.push(format!("({})", kinds.join(", ")));
        }
        if let Some(until) = self.until {
            parts.push(format!("until {}", minute(until)));
        }
        if let Some(why) = &self.why {
            parts.push(format!("· {}", safe_short(why, WIDTH)));
        }
        let who = match (&self.client, self.pid) {
            (Some(client), Some(pid)) => format!("({}, process {pid})", safe_short(client, WIDTH)),
            (None, Some(pid)) => format!("(process {pid})"),
            (Some(client), None) => format!("({})", safe_short(client, WIDTH)),
            (None, None) => String::new(),
        };
        parts.push(paint.dim(who));
        parts.join(" ").trim_end().to_owned()
    }
}
