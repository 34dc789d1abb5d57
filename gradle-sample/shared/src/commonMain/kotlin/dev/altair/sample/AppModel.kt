package dev.altair.sample

import dev.altair.core.Altair
import dev.altair.model.AltairException
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.NonCancellable
import kotlinx.coroutines.SupervisorJob
import kotlinx.coroutines.cancel
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.asStateFlow
import kotlinx.coroutines.launch
import kotlinx.coroutines.withContext
import kotlin.coroutines.CoroutineContext

/** How the app stands. */
sealed interface AppState {
    /** The store is being opened. */
    data object Opening : AppState

    /** The store is open. */
    data class Open(val workspace: Workspace) : AppState

    /** The store can't be opened. */
    data class Failed(val cause: AltairException) : AppState

    /** The store has been closed. */
    data object Closed : AppState
}

/** The whole app without its looks. It opens the store in [directory], and closes it in the end. All work is done in [context]. */
class AppModel(val directory: String, context: CoroutineContext, private val openStore: suspend (String) -> Altair = { Altair.open(it) }) {
    private val scope = CoroutineScope(context + SupervisorJob())
    private val mutableState = MutableStateFlow<AppState>(AppState.Opening)
    private var altair: Altair? = null

    val state: StateFlow<AppState> = mutableState.asStateFlow()

    init {
        open()
    }

    /** Tries again to open the store. */
    fun retry() {
        if (mutableState.value is AppState.Failed) open()
    }

    /** Stores what is being typed and closes the store. */
    suspend fun close() {
        withContext(NonCancellable) {
            (mutableState.value as? AppState.Open)?.workspace?.settle()
            mutableState.value = AppState.Closed
            scope.cancel()
            altair?.close()
        }
    }

    private fun open() {
        mutableState.value = AppState.Opening
        scope.launch {
            try {
                val opened = withContext(NonCancellable) { openStore(directory) }
                take(opened)
            } catch (cause: AltairException) {
                mutableState.compareAndSet(AppState.Opening, AppState.Failed(cause))
            }
        }
    }

    /** Shows a store that has been opened, or closes it where nobody waits for it any more. */
    private suspend fun take(opened: Altair) {
        altair = opened
        if (!mutableState.compareAndSet(AppState.Opening, AppState.Open(Workspace(opened, scope)))) {
            withContext(NonCancellable) { opened.close() }
        }
    }
}
