package dev.altair.sample.desktop

import dev.altair.core.Altair
import dev.altair.model.Due
import dev.altair.model.EntityId
import dev.altair.model.Quantity
import dev.altair.model.QuestStatus
import kotlinx.datetime.Clock
import kotlinx.datetime.DatePeriod
import kotlinx.datetime.LocalDate
import kotlinx.datetime.TimeZone
import kotlinx.datetime.plus
import kotlinx.datetime.todayIn

/** A store as a household has it after some weeks. Gives the note to open. */
suspend fun Altair.furnish(): EntityId {
    val today = Clock.System.todayIn(TimeZone.currentSystemDefault())
    furnishShelves()
    furnishQuests(today)
    notes.create("Books to lend", "- [[The overstory]] to Mira\n- *Braiding sweetgrass*, when it is back\n")
    notes.create("Bicycle", "Tyres 37-622. The chain was new in spring.\n")
    notes.create("Wall paint", "Hall: *Bone*, two coats. Study: *Pigeon*.\n\n#house")
    notes.create("Power cuts", "The fuse box is behind the coats. Candles are in the [[Cellar]].\n\n#house")
    notes.create("Bread", "# Sunday bread\n\n500 g flour, 350 g water, 10 g salt, a night in the fridge.\n\n#kitchen/baking")
    notes.create("Compost", "Browns over greens, and never citrus. Turn it when the [[Fig tree]] is pruned.\n\n#garden")
    notes.create("Wintering the garden", "The [[Fig tree]] wants fleece below -8 °C. [[Compost]] goes on the beds in November.\n\n#garden")
    notes.create("Birthdays", "Mira, 4 June. Tomas, 19 September.\n")
    val fig = notes.create("Fig tree", FIG_TREE)
    notes.create("Garden plan", "Beds one to four rotate. The [[Fig tree]] stays where it is, by the south wall.\n\n#garden")
    listOf(
        "Ask Tomas for his ladder before the gutters fill up",
        "The jam from the market was quince, from the stall by the church",
        "Library books are due on the 14th",
        "Idea: paint the shed the blue of the old bicycle",
    ).forEach { inbox.capture(it) }
    return fig.id
}

private suspend fun Altair.furnishShelves() {
    val cellar = locations.create("Cellar")
    val shelf = locations.create("Top shelf", cellar.id)
    val kitchen = locations.create("Kitchen")
    items.create("Candles") {
        quantity = Quantity.of(14)
        location = shelf.id
    }
    items.create("Quince jam") {
        quantity = Quantity.of(6)
        unit = "jars"
        location = cellar.id
    }
    items.create("Eggs") {
        quantity = Quantity.of(9)
        location = kitchen.id
    }
    items.create("Flour") {
        quantity = Quantity(2_500)
        unit = "kg"
        location = kitchen.id
    }
}

private suspend fun Altair.furnishQuests(today: LocalDate) {
    quests.create("Renew the library card") { status = QuestStatus.Completed }
    quests.create("Fix the shed door") {
        energy = 3
        status = QuestStatus.Backlog
    }
    quests.create("Prune the fig tree") {
        energy = 2
        status = QuestStatus.Active
        due = Due.Day(today.plus(DatePeriod(days = 3)))
        body = "See [[Fig tree]]. The ladder is with Tomas."
    }
    quests.create("Call the chimney sweep") {
        energy = 1
        status = QuestStatus.Active
        due = Due.Day(today)
    }
}

private val FIG_TREE = """
    Planted by the south wall in 2019, *Ficus carica* ‘Brown Turkey’. It came from [[Grandmother's garden]] as a cutting.

    ## This winter

    - [x] Mulch with [[Compost]]
    - [ ] Prune to **five** main branches
    - [ ] Fleece below -8 °C, see [[Wintering the garden|the winter list]]

    > [!tip] When to prune
    > Late winter, before the sap rises. The cuts ==weep== if it is done in spring.

    | Year | Figs | Weather |
    | --- | --- | --- |
    | 2023 | 41 | wet June |
    | 2024 | 87 | long autumn |

    Propagate with `cuttings of 20 cm`. #garden #fruit
""".trimIndent()
