package dev.altair.sample

import dev.altair.core.Altair
import dev.altair.model.Imported
import dev.altair.model.Progress
import kotlinx.coroutines.Job
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.asStateFlow

/** How far bringing a vault in has come. */
sealed interface VaultImport {
    /** Nothing has been asked for. */
    data object Waiting : VaultImport

    /** It is under way; [progress] is null until the files have been counted. */
    data class Running(val folder: String, val progress: Progress?) : VaultImport

    /** It is done. */
    data class Finished(val folder: String, val imported: Imported) : VaultImport
}

/** Brings folders of Markdown in. One at a time; it goes on while the person is elsewhere in the app. */
class VaultImportModel(private val altair: Altair, private val acts: Acts) {
    private val mutableState = MutableStateFlow<VaultImport>(VaultImport.Waiting)

    val state: StateFlow<VaultImport> = mutableState.asStateFlow()

    fun start(folder: String): Job = acts.launch {
        val chosen = folder.trim()
        if (chosen.isEmpty() || !begin(chosen)) return@launch
        val imported = acts.attempt {
            altair.vault.import(chosen) { mutableState.value = VaultImport.Running(chosen, it) }
        }
        mutableState.value = if (imported == null) VaultImport.Waiting else VaultImport.Finished(chosen, imported)
    }

    /** Makes ready for another folder. */
    fun again() {
        if (mutableState.value is VaultImport.Finished) mutableState.value = VaultImport.Waiting
    }

    private fun begin(folder: String): Boolean {
        val before = mutableState.value
        return before !is VaultImport.Running && mutableState.compareAndSet(before, VaultImport.Running(folder, null))
    }
}
