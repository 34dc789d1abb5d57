package dev.altair.model

/**
 * What went wrong, and what to do about it. The class is what a program decides by; [message] says both for a person. Neither ever holds the
 * content of somebody's notes.
 */
public sealed class AltairException(
    /** What happened, to what. */
    public val what: String,
    /** What to do next. */
    public val hint: String,
    cause: Throwable?,
) : Exception("$what; $hint", cause) {
    /** There is no such thing. */
    public class NotFound(what: String, hint: String, cause: Throwable? = null) : AltairException(what, hint, cause)

    /** A value can't be: it is wrong whatever the state. */
    public class Invalid(what: String, hint: String, cause: Throwable? = null) : AltairException(what, hint, cause)

    /** Concurrent values have to be resolved first. */
    public class Conflict(what: String, hint: String, cause: Throwable? = null) : AltairException(what, hint, cause)

    /** Another process has the store, and can't be joined or doesn't answer. */
    public class Locked(what: String, hint: String, cause: Throwable? = null) : AltairException(what, hint, cause)

    /** Something in the store is damaged. */
    public class Corrupt(what: String, hint: String, cause: Throwable? = null) : AltairException(what, hint, cause)

    /** The store was written by a newer version, or this library can't run here. */
    public class Unsupported(what: String, hint: String, cause: Throwable? = null) : AltairException(what, hint, cause)

    /** The server can't be reached. */
    public class Unreachable(what: String, hint: String, cause: Throwable? = null) : AltairException(what, hint, cause)

    /** The thing stands in a way that rules this out: it is triaged already, or in the trash. */
    public class Refused(what: String, hint: String, cause: Throwable? = null) : AltairException(what, hint, cause)

    /** The store has been closed. */
    public class Closed(what: String, hint: String, cause: Throwable? = null) : AltairException(what, hint, cause)

    /** Everything else: I/O, a full disk, a bug. */
    public class Internal(what: String, hint: String, cause: Throwable? = null) : AltairException(what, hint, cause)
}
