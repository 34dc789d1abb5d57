package dev.altair.sample

import dev.altair.core.Altair
import dev.altair.model.Cursor
import dev.altair.model.Kind
import dev.altair.model.Page
import kotlinx.coroutines.ExperimentalCoroutinesApi
import kotlinx.coroutines.delay
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.SharingStarted
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.flatMapLatest
import kotlinx.coroutines.flow.stateIn
import kotlinx.coroutines.flow.transform
import kotlin.time.Duration.Companion.milliseconds

/** The part of a list that has been read so far. */
data class Listed<out T>(
    val things: List<T> = emptyList(),
    /** Whether there are more to read. */
    val more: Boolean = false,
    /** False until the list has been read for the first time. */
    val known: Boolean = false,
) {
    val isEmpty: Boolean get() = known && things.isEmpty()
}

/**
 * A list that grows as it is scrolled and follows every change of [kinds], or of anything when none is named. It is read in steps of [step],
 * and again at most a few times a second however much changes.
 */
@OptIn(ExperimentalCoroutinesApi::class)
class Listing<T>(
    altair: Altair,
    acts: Acts,
    vararg kinds: Kind,
    private val step: Int = STEP,
    private val read: suspend (limit: Int, after: Cursor?) -> Page<T>,
) {
    private val wanted = MutableStateFlow(step)

    private val reading: Flow<Listed<T>> = wanted.flatMapLatest { limit -> altair.observe(*kinds) { readUpTo(limit, read) }.paced() }

    val state: StateFlow<Listed<T>> =
        acts.steady(reading).stateIn(acts.scope, SharingStarted.WhileSubscribed(LINGER_MILLIS), Listed())

    /** Reads on, when the end of what has been read comes into sight. */
    fun more() {
        val listed = state.value
        if (listed.more && listed.things.size >= wanted.value) wanted.value = listed.things.size + step
    }

    companion object {
        /** As a step: the whole list at once, for what makes no sense in part. */
        const val WHOLE = Int.MAX_VALUE

        private const val STEP = 200
        private const val LINGER_MILLIS = 5000L
    }
}

/** Reads page after page until there are [limit] things, or no more. */
internal suspend fun <T> readUpTo(limit: Int, read: suspend (limit: Int, after: Cursor?) -> Page<T>): Listed<T> {
    val things = mutableListOf<T>()
    var after: Cursor? = null
    do {
        val page = read((limit - things.size).coerceAtMost(LARGEST_PAGE), after)
        things += page.items
        after = page.next
    } while (after != null && things.size < limit)
    return Listed(things, after != null, known = true)
}

/** Asks for the next value only a while after each. */
internal fun <T> Flow<T>.paced(): Flow<T> = transform {
    emit(it)
    delay(PAUSE)
}

private const val LARGEST_PAGE = 1000
private val PAUSE = 200.milliseconds
