package dev.altair.sample

import dev.altair.model.AltairException
import dev.altair.model.EntityId
import dev.altair.model.Kind
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Job
import kotlinx.coroutines.delay
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.asStateFlow
import kotlinx.coroutines.flow.catch
import kotlinx.coroutines.flow.retryWhen
import kotlinx.coroutines.launch
import kotlin.time.Duration.Companion.seconds

/** One thing that the app has to say: what happened, and what can be done about it. */
data class Statement(
    val what: String,
    val hint: String? = null,
    val tone: Tone = Tone.Done,
    /** What it speaks of, when that can be opened. */
    val subject: Subject? = null,
) {
    /** Whether it reports or complains. */
    enum class Tone { Done, Trouble }

    /** Something that a statement speaks of. */
    data class Subject(val id: EntityId, val kind: Kind)
}

/** Holds the one current [Statement]. A newer one takes its place, so that nothing piles up. */
class Statements {
    private val mutable = MutableStateFlow<Statement?>(null)

    val current: StateFlow<Statement?> = mutable.asStateFlow()

    fun done(what: String, hint: String? = null, subject: Statement.Subject? = null) {
        mutable.value = Statement(what.sentence(), hint?.sentence(), Statement.Tone.Done, subject)
    }

    fun trouble(cause: AltairException) = trouble(cause.what, cause.hint)

    fun trouble(what: String, hint: String, subject: Statement.Subject? = null) {
        mutable.value = Statement(what.sentence(), hint.sentence(), Statement.Tone.Trouble, subject)
    }

    fun dismiss() {
        mutable.value = null
    }

    /** Takes [statement] back, unless another one has come since. */
    fun dismiss(statement: Statement) {
        mutable.compareAndSet(statement, null)
    }
}

internal fun String.sentence(): String = replaceFirstChar { it.uppercase() }

/** Runs what the person asked for and states what went wrong. */
class Acts(val scope: CoroutineScope, val statements: Statements) {
    fun launch(act: suspend () -> Unit): Job = scope.launch { attempt(act) }

    /** What [act] gives; null when it failed and that has been stated. */
    suspend fun <T : Any> attempt(act: suspend () -> T): T? = try {
        act()
    } catch (trouble: AltairException) {
        statements.trouble(trouble)
        null
    }

    /** Goes on collecting after a failure, which is stated. It ends when the store is closed. */
    fun <T> steady(flow: Flow<T>): Flow<T> = flow
        .retryWhen { cause, _ ->
            val passing = cause is AltairException && cause !is AltairException.Closed
            if (passing) {
                statements.trouble(cause as AltairException)
                delay(RETRY)
            }
            passing
        }
        .catch { cause -> if (cause !is AltairException.Closed) throw cause }

    private companion object {
        val RETRY = 2.seconds
    }
}
