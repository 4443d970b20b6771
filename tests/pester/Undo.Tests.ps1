BeforeAll {
    Import-Module $PSScriptRoot/TestHelper.psm1 -Force
    Import-BuiltModule
    # Two sites with the same machines: what one has linked is a question for the other.
    $first = Start-AlloyScanSampleSite -Devices 60
    $second = Start-AlloyScanSampleSite -Devices 60
    $store = Join-Path $TestDrive 'undo.db'
    $null = $first | New-AlloyScanSyncJob First -Store $store
    $null = Invoke-AlloyScanSync First -Store $store
    $null = $second | New-AlloyScanSyncJob Second -Store $store -IdentificationSite (Get-AlloyScanSyncJob First -Store $store).Site
    $null = Invoke-AlloyScanSync Second -Store $store 3>$null


    # Takes a computer's device out of the first site, so that its CI can go to the device of the second.
    function Get-FreedConflict {
        $conflict = Get-AlloyScanConflict -Class Computer -Store $store | Where-Object { $_.Candidates.Count -eq 1 } | Select-Object -First 1
        $link = Get-AlloyScanLink -RecordId $conflict.Candidates[0] -State Live -Store $store
        $null = Hide-SampleDevice $first $link.DeviceId
        $null = Invoke-AlloyScanSync First -Store $store
        $conflict
    }
}

AfterAll {
    Stop-AlloyScanSampleSite
}

Describe 'Get-AlloyScanConflict' {
    It 'lists the open conflicts with reason and candidates' {
        $conflicts = Get-AlloyScanConflict -Store $store
        $conflicts.Count | Should -BeGreaterThan 20
        $conflicts[0].PSTypeNames[0] | Should -Be 'AlloyScan.Engine.Sync.Conflicts.SyncConflict'
        $conflicts.State | Sort-Object -Unique | Should -Be 'Open'
        $conflicts[0].Reason | Should -BeLike '*belongs to the live device*'
        $conflicts[0].Candidates[0] | Should -Match '^[CH]\d{6}$'
    }

    It 'filters by job, device, site, class, kind and state' {
        $all = @(Get-AlloyScanConflict -Store $store)
        @(Get-AlloyScanConflict Second -Store $store).Count | Should -Be $all.Count
        @(Get-AlloyScanSyncJob Second -Store $store | Get-AlloyScanConflict).Count | Should -Be $all.Count
        Get-AlloyScanConflict First -Store $store | Should -BeNullOrEmpty
        (Get-AlloyScanConflict -Device $all[1].DeviceName -Store $store).Id | Should -Contain $all[1].Id
        (Get-AlloyScanConflict -Device $all[1].DeviceId -Store $store).Id | Should -Be $all[1].Id
        Get-AlloyScanConflict -Site nowhere* -Store $store | Should -BeNullOrEmpty
        (Get-AlloyScanConflict -Class Hardware -Store $store).Class | Sort-Object -Unique | Should -Be 'Hardware'
        Get-AlloyScanConflict -Kind RestsOnJunk -Store $store | Should -BeNullOrEmpty
        Get-AlloyScanConflict -State Ignored, Linked -Store $store | Should -BeNullOrEmpty
        (Get-AlloyScanConflict -Id $all[2].Id, $all[0].Id -Store $store).Id | Should -Be $all[2].Id, $all[0].Id
    }

    It 'reports what is not there' {
        Get-ErrorId { Get-AlloyScanConflict -Id 9999 -Store $store } | Should -Be 'ConflictNotFound'
        Get-ErrorId { Get-AlloyScanConflict NoSuchJob -Store $store } | Should -Be 'JobNotFound'
    }
}

Describe 'Resolve-AlloyScanConflict' {
    It 'creates a CI, by object' {
        $conflict = Get-AlloyScanConflict -Class Computer -Store $store | Select-Object -First 1
        $resolved = $conflict | Resolve-AlloyScanConflict -Create -PassThru
        $resolved.State | Should -Be 'Created'
        (Get-AlloyCmdbComputer -DeviceId $conflict.DeviceId -Store $store | Where-Object Site -eq $conflict.Site).Name | Should -Be $conflict.DeviceName
        $run = Get-AlloyScanSyncRun Second -Newest 1 -Store $store
        "$($run.Kind) $($run.Status) $($run.Created)" | Should -Be 'Resolve Succeeded 1'
        (Get-AlloyScanSyncJob Second -Store $store).LastRunStatus | Should -Not -BeNullOrEmpty
    }

    It 'ignores and opens again, by number' {
        $id = (Get-AlloyScanConflict -Store $store)[0].Id
        Resolve-AlloyScanConflict $id -Ignore -Store $store | Should -BeNullOrEmpty
        (Get-AlloyScanConflict -State Ignored -Store $store).Id | Should -Be $id
        (Resolve-AlloyScanConflict -Conflict $id -Reopen -Store $store -PassThru).State | Should -Be 'Open'
    }

    It 'links to the CI of a device that is gone' {
        $conflict = Get-FreedConflict
        ($conflict | Resolve-AlloyScanConflict -Link $conflict.Candidates[0] -PassThru).State | Should -Be 'Linked'
        (Get-AlloyCmdbComputer -Id $conflict.Candidates[0] -Store $store).DeviceId | Should -Be $conflict.DeviceId
    }

    It 'does nothing with -WhatIf' {
        $before = @(Get-AlloyScanConflict -Store $store).Count
        Get-AlloyScanConflict -Store $store | Resolve-AlloyScanConflict -Create -WhatIf
        @(Get-AlloyScanConflict -Store $store).Count | Should -Be $before
    }

    It 'refuses by ID: <Expected>' -ForEach @(
        @{ Expected = 'ConflictNotFound'; Script = { Resolve-AlloyScanConflict 9999 -Create -Store $store } }
        @{ Expected = 'RecordNotFound'; Script = { Resolve-AlloyScanConflict $open.Id -Link C999999 -Store $store } }
        @{ Expected = 'RecordLinked'; Script = { Resolve-AlloyScanConflict $open.Id -Link $open.Candidates[0] -Store $store } }
        @{ Expected = 'WrongClass'; Script = { Resolve-AlloyScanConflict $open.Id -Link H000001 -Store $store } }
        @{ Expected = 'ConflictNotOpen'; Script = { Resolve-AlloyScanConflict $open.Id -Reopen -Store $store } }
    ) {
        $open = Get-AlloyScanConflict -Class Computer -Store $store | Where-Object Candidates | Select-Object -First 1
        Get-ErrorId $Script | Should -Be $Expected
    }

    It 'takes no job for a conflict' {
        { Get-AlloyScanSyncJob Second -Store $store | Resolve-AlloyScanConflict -Ignore -ErrorAction Stop } | Should -Throw
    }
}

Describe 'Get-AlloyScanLink' {
    It 'lists links by device, CI, state, site and class' {
        $computer = Get-AlloyCmdbComputer -Store $store | Where-Object Site | Select-Object -First 1
        $link = $computer | Get-AlloyScanLink -State Live
        "$($link.DeviceId) $($link.RecordId) $($link.Site)" | Should -Be "$($computer.DeviceId) $($computer.Id) $($computer.Site)"
        $link.PSTypeNames[0] | Should -Be 'AlloyScan.Engine.Sync.Links.SyncLink'
        (Get-AlloyScanLink $computer.DeviceId -Site $computer.Site -Store $store).RecordId | Should -Be $computer.Id
        (Get-AlloyScanLink -State Closed -Store $store).ClosedReason | Should -Be 'TakenOver'
        (Get-AlloyScanLink -Class Hardware -Store $store).Class | Sort-Object -Unique | Should -Be 'Hardware'
        Get-ErrorId { Get-AlloyScanLink no-such-device -Store $store } | Should -Be 'LinkNotFound'
    }
}

Describe 'Split-AlloyScanLink' {
    It 'gives a wrongly merged device its own CI, and the CI its former device' {
        $closed = Get-AlloyScanLink -State Closed -Store $store
        $merged = Get-AlloyScanLink -RecordId $closed.RecordId -State Live -Store $store
        $own = $merged | Split-AlloyScanLink -PassThru
        $own.RecordId | Should -Not -Be $merged.RecordId
        (Get-AlloyScanLink $closed.DeviceId -RecordId $closed.RecordId -Store $store).State | Should -Be 'Missing'
        (Get-AlloyScanSyncRun Second -Newest 1 -Store $store).Kind | Should -Be 'Split'

        # And no run brings them together again.
        $null = Invoke-AlloyScanSync Second -Store $store 3>$null
        (Get-AlloyScanLink -RecordId $own.RecordId -Store $store).DeviceId | Should -Be $merged.DeviceId
    }

    It 'does nothing with -WhatIf, and refuses by ID' {
        $link = Get-AlloyScanLink -State Live -Store $store | Where-Object Rule -eq $null | Select-Object -First 1
        $runs = @(Get-AlloyScanSyncRun -Store $store).Count
        Split-AlloyScanLink $link.DeviceId -Site $link.Site -Store $store -WhatIf
        Get-ErrorId { Split-AlloyScanLink $link.DeviceId -Site $link.Site -Store $store } | Should -Be 'NothingToSplit'
        Get-ErrorId { Split-AlloyScanLink no-such-device -Store $store } | Should -Be 'LinkNotFound'
        @(Get-AlloyScanSyncRun -Store $store).Count | Should -Be $runs
    }
}

Describe 'Undo-AlloyScanSync' {
    BeforeAll {
        $undoStore = Join-Path $TestDrive 'taken-back.db'
        $null = $first | New-AlloyScanSyncJob HQ -Store $undoStore
        Enable-AlloyScanSyncJob HQ -Store $undoStore
        $null = Invoke-AlloyScanSync HQ -Store $undoStore
        $name = (Get-AlloyCmdbComputer -Id C000001 -Store $undoStore).Name
        Set-AlloyCmdbComputer C000001 -Name WRONG -Store $undoStore
        $repair = Invoke-AlloyScanSync HQ -Store $undoStore
    }

    It 'shows each row with -WhatIf and writes nothing' {
        $rows = Undo-AlloyScanSync HQ -Store $undoStore -WhatIf
        $rows.PSTypeNames[0] | Should -Be 'AlloyScan.Engine.Sync.Undo.UndoneChange'
        "$($rows.RecordId) $($rows.Field) $($rows.Outcome) $($rows.OldValue) $($rows.NewValue)" | Should -Be "C000001 name Restored $name WRONG"
        (Get-AlloyCmdbComputer -Id C000001 -Store $undoStore).Name | Should -Be $name
        (Get-AlloyScanSyncJob HQ -Store $undoStore).Enabled | Should -BeTrue
    }

    It 'takes back a run from the pipeline and disables the job' {
        $rows = $repair | Undo-AlloyScanSync -Confirm:$false -WarningVariable warning 3>$null
        $rows.Outcome | Should -Be 'Restored'
        (Get-AlloyCmdbComputer -Id C000001 -Store $undoStore).Name | Should -Be 'WRONG'
        (Get-AlloyScanSyncJob HQ -Store $undoStore).Enabled | Should -BeFalse
        "$warning" | Should -BeLike '*is disabled for its schedule*'
        $run = Get-AlloyScanSyncRun HQ -Newest 1 -Store $undoStore
        "$($run.Kind) $($run.Undoes)" | Should -Be "Undo $($repair.Id)"
        (Get-AlloyScanSyncRun -RunId $repair.Id -Store $undoStore).UndoneBy | Should -Be $run.Id
        (Get-AlloyScanSyncJob HQ -Store $undoStore).LastRunStatus | Should -Be 'Succeeded'
    }

    It 'refuses by ID: <Expected>' -ForEach @(
        @{ Expected = 'RunUndone'; Script = { Undo-AlloyScanSync -RunId $repair.Id -Store $undoStore -Confirm:$false } }
        @{ Expected = 'RunIsUndo'; Script = { Get-AlloyScanSyncRun HQ -Newest 1 -Store $undoStore | Undo-AlloyScanSync -Confirm:$false } }
        @{ Expected = 'RunNotFound'; Script = { Undo-AlloyScanSync -RunId 999 -Store $undoStore -Confirm:$false } }
        @{ Expected = 'JobNotFound'; Script = { Undo-AlloyScanSync NoSuchJob -Store $undoStore -Confirm:$false } }
    ) {
        Get-ErrorId $Script | Should -Be $Expected
    }

    It 'takes back the first run, by job from the pipeline, and leaves what was edited' {
        $rows = Get-AlloyScanSyncJob HQ -Store $undoStore | Undo-AlloyScanSync -Confirm:$false 3>$null
        ($rows | Where-Object Outcome -eq LeftAlone).RecordId | Should -Be 'C000001'
        ($rows | Where-Object Outcome -eq Removed).Count | Should -Be ($rows.Count - 1)
        (Get-AlloyCmdbComputer -Store $undoStore).Id | Should -Be 'C000001'
        Get-AlloyCmdbHardware -Store $undoStore | Should -BeNullOrEmpty
        Get-ErrorId { Undo-AlloyScanSync HQ -Store $undoStore -Confirm:$false } | Should -Be 'NothingToUndo'
    }

    It 'asks before it acts' {
        (Get-Command Undo-AlloyScanSync).ImplementingType.GetCustomAttributes($true).ConfirmImpact | Should -Contain 'High'
    }
}
