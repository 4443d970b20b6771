BeforeAll {
    Import-Module $PSScriptRoot/TestHelper.psm1 -Force
    Import-BuiltModule
    $site = Start-AlloyScanSampleSite -Devices 60
    $store = Join-Path $TestDrive 'guard.db'
    $null = $site | New-AlloyScanSyncJob HQ -GuardLimit @{ Update = '2, 1 %' } -Store $store
    $null = Invoke-AlloyScanSync HQ -Store $store

    # Names that people changed, and that the next run would set right.
    function Edit-Name {
        param([int] $Count)

        Get-AlloyCmdbComputer -Store $store | Where-Object OsPlatform -EQ Windows | Select-Object -First $Count |
            ForEach-Object { Set-AlloyCmdbComputer $_.Id -Name "EDITED-$($_.Id)" -Store $store }
    }

    function Get-Edited {
        @(Get-AlloyCmdbComputer -Store $store | Where-Object Name -Like 'EDITED-*').Count
    }
}

AfterAll {
    Stop-AlloyScanSampleSite
}

Describe 'Limits of a job' {
    It 'are shown, with what is absent and what is 0' {
        $job = Get-AlloyScanSyncJob HQ -Store $store
        $job.Guard | Should -Contain 'Update: more than 2 and 1 %'
        $job.Guard | Should -Contain 'Creation: more than 10 and 10 % (default)'
        $null = $job | Set-AlloyScanSyncJob -GuardLimit @{ Creation = @{ Count = 0 }; Retirement = '5 %, 20'; Deletion = @{ Share = '50 %' }; Removal = $null; Update = '2, 1 %' } -GuardedField user_name, Model
        $job = Get-AlloyScanSyncJob HQ -Store $store
        $job.Guard | Should -Be @(
            'Creation: 0, nothing without approval', 'Update: more than 2 and 1 %', 'Removal: more than 10 and 10 % (default)', 'Retirement: more than 20 and 5 %', 'Deletion: more than 10 and 50 %')
        $job.GuardedFields | Should -Be 'user_name', 'model'
    }

    It 'take 0 as a number, as text and with a percent sign for the same' -ForEach 0, '0', '0 %' {
        (Set-AlloyScanSyncJob HQ -GuardLimit @{ Creation = $_ } -Store $store -PassThru).Guard[0] | Should -Be 'Creation: 0, nothing without approval'
    }

    It 'are replaced as a whole, and go by an empty hashtable' {
        (Set-AlloyScanSyncJob HQ -GuardLimit @{} -GuardedField @() -Store $store -PassThru).Guard | Should -Not -Match '0, nothing'
        $null = Set-AlloyScanSyncJob HQ -GuardLimit @{ Update = '2, 1 %' } -Store $store
    }

    It 'are refused when they are none' -ForEach @{ Limit = @{ Creations = 5 } }, @{ Limit = @{ Creation = '12,5 %' } }, @{ Limit = @{ Creation = -1 } }, @{ Limit = @{ Creation = @{ Share = 0.1 } } }, @{ Limit = @{ Creation = @{ Most = 1 } } } {
        Get-ErrorId { Set-AlloyScanSyncJob HQ -GuardLimit $Limit -Store $store } | Should -Be 'InvalidGuardLimit'
    }

    It 'refuse a field that no CI has' {
        Get-ErrorId { Set-AlloyScanSyncJob HQ -GuardedField colour -Store $store } | Should -Be 'FieldNotFound'
    }

    It 'travel with an exported job' {
        Export-AlloyScanSyncJob HQ -Store $store | Should -Match '"guardLimits"'
    }
}

Describe 'What the guard holds back' {
    BeforeAll {
        Edit-Name 4
    }

    It 'is said beforehand by a rehearsal and by a plan' {
        Invoke-AlloyScanSync HQ -Store $store -WhatIf -WarningVariable said 3> $null | Should -Not -BeNullOrEmpty
        "$said" | Should -Match 'would be blocked by a guard.*Update, Computer/Windows: 4 of \d+ \(.*\), more than 2 and 1 %'
        $plan = Get-AlloyScanSyncPlan HQ -Store $store -WarningVariable said 3> $null
        "$said" | Should -Match 'Approve-AlloyScanSyncPlan'
        "$($plan[0].Kind) $($plan[0].Slice)" | Should -Be 'Update Computer/Windows'
        Get-Edited | Should -Be 4
    }

    It 'is not applied, and waits in a plan' {
        $script:run = Invoke-AlloyScanSync HQ -Store $store -WarningVariable said 3> $null
        "$($run.Status) $($run.Updated) $($run.Held) $($run.ExitCode)" | Should -Be 'Blocked 0 4 3'
        $run.PlanId | Should -BeGreaterThan 0
        "$said" | Should -Match "Get-AlloyScanSyncPlan 'HQ' -Blocked"
        Get-Edited | Should -Be 4
    }

    It 'is shown row by row, of a job by name or piped, and of all jobs' {
        $rows = Get-AlloyScanSyncPlan HQ -Blocked -Store $store
        $rows.Count | Should -Be 4
        $rows[0].PSTypeNames[0] | Should -Be 'AlloyScan.Engine.Sync.SyncChange'
        $rows.PlanId | Sort-Object -Unique | Should -Be $run.PlanId
        "$($rows[0].Fields)" | Should -Match '^name: EDITED-C\d+ -> '
        (Get-AlloyScanSyncJob HQ -Store $store | Get-AlloyScanSyncPlan -Blocked).Count | Should -Be 4
        (Get-AlloyScanSyncPlan -Blocked -Store $store).Count | Should -Be 4
    }

    It 'is summed up by slice' {
        $slice = Get-AlloyScanSyncPlan HQ -Summary -Store $store | Where-Object Tripped
        $slice.PSTypeNames[0] | Should -Be 'AlloyScan.Engine.Sync.Guard.SyncPlanSlice'
        "$($slice.Kind) $($slice.Slice) $($slice.Changes) $($slice.Limit)" | Should -Be 'Update Computer/Windows 4 2 and 1 %'
        (Get-AlloyScanSyncJob HQ -Store $store | Get-AlloyScanSyncPlan -Summary).Tripped | Should -Contain $true
        ($slice | Out-String) | Should -Match 'Computer/Windows'
        # A slice is no plan that could be approved by mistake.
        Get-ErrorOf { $slice | Approve-AlloyScanSyncPlan -Confirm:$false } | Should -Not -BeNullOrEmpty
        Get-Edited | Should -Be 4
    }

    It 'is not applied by Invoke-AlloyScanSync' {
        Get-ErrorId { Get-AlloyScanSyncPlan HQ -Blocked -Store $store | Invoke-AlloyScanSync } | Should -Be 'PlanBlocked'
    }
}

Describe 'An approval' {
    It 'does nothing with -WhatIf' {
        Approve-AlloyScanSyncPlan HQ -Store $store -WhatIf | Should -BeNullOrEmpty
        Get-AlloyScanSyncPlan HQ -Blocked -Store $store | Approve-AlloyScanSyncPlan -WhatIf | Should -BeNullOrEmpty
        Get-Edited | Should -Be 4
    }

    It 'ends with its budget of calls, and can be given again' {
        $run = Approve-AlloyScanSyncPlan HQ -Store $store -MaxApiCalls 2 -Confirm:$false -WarningVariable said 3> $null
        "$($run.Kind) $($run.Status) $($run.Updated) $($run.StoppedByBudget)" | Should -Be 'Approve PartiallySucceeded 0 True'
        $run.ApiCalls | Should -BeLessOrEqual 2
        Get-Edited | Should -Be 4
        (Get-AlloyScanSyncPlan HQ -Blocked -Store $store).Count | Should -Be 4
    }

    It 'of piped rows applies those' {
        $chosen = Get-AlloyScanSyncPlan HQ -Blocked -Store $store | Select-Object -First 1
        $run = $chosen | Approve-AlloyScanSyncPlan -Confirm:$false
        "$($run.Kind) $($run.Status) $($run.Updated) $($run.Skipped)" | Should -Be 'Approve Succeeded 1 0'
        Get-Edited | Should -Be 3
    }

    It 'goes once' {
        Get-ErrorId { Approve-AlloyScanSyncPlan -PlanId $run.PlanId -Store $store -Confirm:$false } | Should -Be 'PlanAlreadyApplied'
        Get-ErrorId { Approve-AlloyScanSyncPlan HQ -Store $store -Confirm:$false } | Should -Be 'PlanAlreadyApplied'
        Get-AlloyScanSyncPlan HQ -Blocked -Store $store | Should -BeNullOrEmpty
    }

    It 'of a piped run applies all that it held, skips what changed, and can be undone' {
        $blocked = Invoke-AlloyScanSync HQ -Store $store 3> $null
        $row = Get-AlloyScanSyncPlan HQ -Blocked -Store $store | Select-Object -First 1
        Set-AlloyCmdbComputer $row.RecordId -Name 'EDITED-AGAIN' -Store $store
        $run = $blocked | Approve-AlloyScanSyncPlan -Confirm:$false -WarningVariable said 3> $null
        "$($run.Updated) $($run.Skipped)" | Should -Be '2 1'
        "$said" | Should -Match 'its CI has changed'
        Get-Edited | Should -Be 1
        $null = $run | Undo-AlloyScanSync -Confirm:$false 3> $null
        Get-Edited | Should -Be 3
        Enable-AlloyScanSyncJob HQ -Store $store
    }

    It 'of a plan by job name and by number' {
        $null = Invoke-AlloyScanSync HQ -Store $store 3> $null
        (Approve-AlloyScanSyncPlan HQ -Store $store -Confirm:$false).Updated | Should -Be 3
        Edit-Name 3
        $blocked = Invoke-AlloyScanSync HQ -Store $store 3> $null
        (Approve-AlloyScanSyncPlan -PlanId $blocked.PlanId -Store $store -Confirm:$false).Updated | Should -Be 3
        Get-Edited | Should -Be 0
    }

    It 'is refused for what is no plan, void, or holds nothing' {
        Get-ErrorId { Approve-AlloyScanSyncPlan -PlanId 9999 -Store $store -Confirm:$false } | Should -Be 'PlanNotFound'
        Get-ErrorId { Approve-AlloyScanSyncPlan Nowhere -Store $store -Confirm:$false } | Should -Be 'JobNotFound'
        Edit-Name 3
        $old = Invoke-AlloyScanSync HQ -Store $store 3> $null
        $null = Invoke-AlloyScanSync HQ -Store $store 3> $null
        Get-ErrorId { $old | Approve-AlloyScanSyncPlan -Confirm:$false } | Should -Be 'PlanOutdated'
        $null = Approve-AlloyScanSyncPlan HQ -Store $store -Confirm:$false
        Get-ErrorId { Invoke-AlloyScanSync HQ -Store $store | Approve-AlloyScanSyncPlan -Confirm:$false } | Should -Be 'PlanNotSaved'
        $null = $site | New-AlloyScanSyncJob Calm -Store $store
        Get-ErrorId { Approve-AlloyScanSyncPlan Calm -Store $store -Confirm:$false } | Should -Be 'NothingToApprove'
    }
}

Describe 'A narrower choice of software' {
    It 'is held as a removal' {
        $null = Set-AlloyScanSyncJob HQ -ImportSoftware Linux -GuardLimit @{ Removal = 0 } -Store $store
        $run = Invoke-AlloyScanSync HQ -Store $store 3> $null
        "$($run.Status) $($run.InstallationsRemoved)" | Should -Be 'Blocked 0'
        $rows = Get-AlloyScanSyncPlan HQ -Blocked -Store $store
        $rows.Kind | Sort-Object -Unique | Should -Be 'Removal'
        ($rows | Measure-Object SoftwareRemoved -Sum).Sum | Should -BeGreaterThan 100
        (Approve-AlloyScanSyncPlan HQ -Store $store -Confirm:$false).InstallationsRemoved | Should -Be ($rows | Measure-Object SoftwareRemoved -Sum).Sum
    }
}
