package dev.altair.sample

import dev.altair.core.Altair
import dev.altair.model.Status
import kotlinx.coroutines.flow.SharingStarted
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.conflate
import kotlinx.coroutines.flow.map
import kotlinx.coroutines.flow.stateIn

/** The store at a glance, read again at most a few times a second however much changes. */
class StatusModel(altair: Altair, acts: Acts) {
    val status: StateFlow<Status?> = acts.steady(
        altair.watch().conflate().map { altair.status() }.paced(),
    ).stateIn(acts.scope, SharingStarted.Eagerly, null)
}
