//! What the types of requests share. Not a trait of builder methods, which users would have to
//! import.

/// Makes a type with a field `line` the request of that command line, with this reply.
macro_rules! request {
    ($name:ident $(<$parameter:ident: $bound:ident>)? -> $reply:ty) => {
        impl $(<$parameter: $bound>)? $crate::request::Request for $name $(<$parameter>)? {
            type Reply = $reply;

            fn line(&self) -> &$crate::request::line::CommandLine {
                &self.line
            }
        }
    };
}

/// The builder methods of these keywords. A command lists those of its grammar, so that no other
/// can be written.
macro_rules! options {
    ($($group:ident)*) => { $( options!(@ $group); )* };
    (@ schema) => {
        /// `SCHEMA`: the schema of a new state.
        pub fn schema(mut self, name: impl Into<String>) -> Self {
            self.line.set_text("SCHEMA", name);
            self
        }
    };
    (@ ttl) => {
        /// `PX`: the key expires after this time. By default the schema's `x-ttl` applies, else the
        /// server's `state.default-ttl`.
        pub fn expires_in(mut self, after: std::time::Duration) -> Self {
            self.line.set("ttl", ("PX", $crate::request::line::milliseconds(after)));
            self
        }

        /// `PXAT`: the key expires at this time.
        pub fn expires_at(mut self, at: std::time::SystemTime) -> Self {
            // A time before 1970 counts as past.
            let since_1970 = at.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
            self.line.set("ttl", ("PXAT", $crate::request::line::milliseconds(since_1970)));
            self
        }

        /// `KEEPTTL`: the key's expiry stays.
        pub fn keep_ttl(mut self) -> Self {
            self.line.set("ttl", "KEEPTTL");
            self
        }

        /// `PERSIST`: the key never expires.
        pub fn persist(mut self) -> Self {
            self.line.set("ttl", "PERSIST");
            self
        }

        /// `ALIGN`: these keys, of any type, get the state's expiry. At most 64, in a cluster all
        /// in the state's slot.
        pub fn align<K: Into<String>>(mut self, keys: impl IntoIterator<Item = K>) -> Self {
            self.line.set_list("ALIGN", keys);
            self
        }
    };
    (@ label) => {
        /// `LABEL`: a name that keeps the version; reusing the name moves it.
        pub fn label(mut self, name: impl Into<String>) -> Self {
            self.line.set_text("LABEL", name);
            self
        }
    };
    (@ remarks) => {
        /// `EVENT`: the event's name in the audit stream. At most 128 bytes.
        pub fn event(mut self, name: impl Into<String>) -> Self {
            self.line.set_text("EVENT", name);
            self
        }

        /// `NOTE`: a text for the audit stream. At most 1024 bytes.
        pub fn note(mut self, text: impl Into<String>) -> Self {
            self.line.set_text("NOTE", text);
            self
        }

        options!(@ actor);
    };
    (@ actor) => {
        /// `ACTOR`: the acting part of the program, for the audit stream. At most 128 bytes.
        pub fn actor(mut self, name: impl Into<String>) -> Self {
            self.line.set_text("ACTOR", name);
            self
        }
    };
    (@ operation) => {
        /// `OPERATION`: counts this as an attempt at an operation, a rejection as a failed one.
        pub fn operation(mut self, name: impl Into<String>) -> Self {
            self.line.set_text("OPERATION", name);
            self
        }

        /// `COMPONENT`: the component that made the attempt; used with
        /// [`operation`](Self::operation).
        pub fn component(mut self, name: impl Into<String>) -> Self {
            self.line.set_text("COMPONENT", name);
            self
        }
    };
    (@ id) => {
        /// `ID`: makes a repetition safe, such as a redelivered webhook: a replay gets the first
        /// reply and changes nothing. At most 128 bytes.
        pub fn id(mut self, token: impl Into<String>) -> Self {
            self.line.set_text("ID", token);
            self
        }

        /// `OWNER`: the first command with the [`id`](Self::id) claims it: a replay by another
        /// owner is rejected as [`ErrorKind::Replayed`](crate::ErrorKind::Replayed). Unique to one
        /// handling of one delivery. At most 128 bytes.
        pub fn owner(mut self, name: impl Into<String>) -> Self {
            self.line.set_text("OWNER", name);
            self
        }
    };
    (@ turn) => {
        /// `TURN`: the turn of the conversation, such as the ID of the message: of a turn only the
        /// last version becomes a snapshot. At most 128 bytes.
        pub fn turn(mut self, name: impl Into<String>) -> Self {
            self.line.set_text("TURN", name);
            self
        }
    };
    (@ rebase) => {
        /// `REBASE`: if the expected version is kept but not the present one, and no member that
        /// this change writes has changed since, the change is applied to the present document
        /// instead of being rejected.
        pub fn rebase(mut self) -> Self {
            self.line.set_flag("REBASE");
            self
        }
    };
    (@ dry_run) => {
        /// `DRYRUN`: returns the command's reply without any effect.
        pub fn dry_run(mut self) -> Self {
            self.line.set_flag("DRYRUN");
            self
        }
    };
    (@ returning) => {
        /// `RETURN`: returns the document too.
        pub fn returning(mut self) -> Self {
            self.line.set_flag("RETURN");
            self
        }
    };
    (@ audit) => {
        /// `AUDIT`: names the audit stream in the command, so that a routing proxy sees both keys.
        pub fn audit(mut self) -> Self {
            self.line.set_audit();
            self
        }
    };
}
