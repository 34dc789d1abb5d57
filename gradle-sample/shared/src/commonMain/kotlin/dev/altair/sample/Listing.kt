package dev.altair.sample

import dev.altair.core.Altair
import dev.altair.model.Cursor
import dev.altair.model.Kind
import dev.altair.model.Page
import kotlinx.coroutines.ExperimentalCoroutinesApi
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.SharingStarted
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.flatMapLatest
import kotlinx.coroutines.flow.stateIn

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

/** A list that grows as it is scrolled and follows every change of [kinds], or of anything when none is named. */
@OptIn(ExperimentalCoroutinesApi::class)
class Listing<T>(altair: Altair, acts: Acts, vararg kinds: Kind, private val read: suspend (limit: Int, after: Cursor?) -> Page<T>) {
    private val wanted = MutableStateFlow(STEP)

    private val reading: Flow<Listed<T>> = wanted.flatMapLatest { limit -> altair.observe(*kinds) { readUpTo(limit) } }

    val state: StateFlow<Listed<T>> =
        acts.steady(reading).stateIn(acts.scope, SharingStarted.WhileSubscribed(LINGER_MILLIS), Listed())

    /** Reads on, when the end of what has been read comes into sight. */
    fun more() {
        val listed = state.value
        if (listed.more && listed.things.size >= wanted.value) wanted.value = listed.things.size + STEP
    }

    private suspend fun readUpTo(limit: Int): Listed<T> {
        val things = mutableListOf<T>()
        var after: Cursor? = null
        do {
            val page = read((limit - things.size).coerceAtMost(LARGEST_PAGE), after)
            things += page.items
            after = page.next
        } while (after != null && things.size < limit)
        return Listed(things, after != null, known = true)
    }

    private companion object {
        const val STEP = 200
        const val LARGEST_PAGE = 1000
        const val LINGER_MILLIS = 5000L
    }
}
