BeforeAll {
    Import-Module $PSScriptRoot/TestHelper.psm1 -Force
    Import-BuiltModule
    $site = Start-AlloyScanSampleSite -Devices 120
}

AfterAll {
    Stop-AlloyScanSampleSite
}

Describe 'A job from plan to verification' {
    BeforeAll {
        $store = Join-Path $TestDrive 'straight.db'
        $null = $site | New-AlloyScanSyncJob HQ -Store $store
    }

    It 'rehearses: emits the changes and writes nothing' {
        $script:rehearsed = Invoke-AlloyScanSync HQ -Store $store -WhatIf
        $rehearsed[0].PSTypeNames[0] | Should -Be 'AlloyScan.Engine.Sync.SyncChange'
        $rehearsed.PlanId | Where-Object { $_ } | Should -BeNullOrEmpty
        Get-AlloyScanSyncRun -Store $store | Should -BeNullOrEmpty
        Get-AlloyCmdbComputer -Store $store | Should -BeNullOrEmpty
        # Calls to the site are counted whoever makes them; that a rehearsal writes nothing else is shown table by table in the engine's tests.
        (Get-AlloyScanApiUsage -Store $store).Calls | Should -BeGreaterThan $rehearsed.Count
        (Get-AlloyScanSyncJob HQ -Store $store).LastRunStatus | Should -BeNullOrEmpty
    }

    It 'plans the same changes, and changes no CI' {
        $script:plan = Get-AlloyScanSyncPlan HQ -Store $store
        $plan.Count | Should -Be $rehearsed.Count
        ($plan.DeviceId | Sort-Object) | Should -Be ($rehearsed.DeviceId | Sort-Object)
        ($plan.PlanId | Sort-Object -Unique).Count | Should -Be 1
        $plan.Row | Should -Be (1..$plan.Count)
        Get-AlloyCmdbComputer -Store $store | Should -BeNullOrEmpty
    }

    It 'applies exactly the rows that are piped to it' {
        $chosen = $plan | Where-Object Action -eq Create | Where-Object Class -eq Hardware
        $run = $chosen | Invoke-AlloyScanSync
        $run.Status | Should -Be 'Succeeded'
        $run.Created | Should -Be $chosen.Count
        Get-AlloyCmdbComputer -Store $store | Should -BeNullOrEmpty
        ((Get-AlloyCmdbHardware -Store $store).DeviceId | Sort-Object) | Should -Be ($chosen.DeviceId | Sort-Object)
    }

    It 'creates the rest in a run' {
        $script:run = Invoke-AlloyScanSync HQ -Store $store
        $run.PSTypeNames[0] | Should -Be 'AlloyScan.Engine.Sync.SyncRun'
        $run.Status | Should -BeIn 'Succeeded', 'PartiallySucceeded'
        $run.DevicesRead | Should -Be 120
        @(Get-AlloyCmdbComputer -Store $store).Count + @(Get-AlloyCmdbHardware -Store $store).Count + $run.Conflicts + $run.Skipped + $run.Errors | Should -Be 120
    }

    It 'writes to no CI the second time' {
        $again = Invoke-AlloyScanSync HQ -Store $store
        $again.Created + $again.Updated + $again.Conflicts | Should -Be 0
        $again | Get-AlloyScanSyncChange | Should -BeNullOrEmpty
        Get-AlloyScanSyncPlan HQ -Store $store | Should -BeNullOrEmpty
    }

    It 'repairs what was changed in the CMDB, and says so in the journal' {
        $computer = Get-AlloyCmdbComputer -Store $store | Where-Object SerialNumber | Select-Object -First 1
        $computer | Set-AlloyCmdbComputer -SerialNumber 'WRONG-1'
        $change = Invoke-AlloyScanSync HQ -Store $store | Get-AlloyScanSyncChange | Where-Object RecordId -eq $computer.Id
        $change.Field | Should -Be 'serial_number'
        $change.OldValue | Should -Be 'WRONG-1'
        $change.NewValue | Should -Be $computer.SerialNumber
    }

    It 'lists runs by job, number and newest' {
        $all = Get-AlloyScanSyncRun -Store $store
        $all.Count | Should -BeGreaterOrEqual 4
        $all.Id | Should -Be ($all.Id | Sort-Object -Descending)
        @(Get-AlloyScanSyncRun HQ -Newest 1 -Store $store).Id | Should -Be $all[0].Id
        (Get-AlloyScanSyncRun -RunId $run.Id -Store $store).Created | Should -Be $run.Created
        (Get-AlloyScanSyncJob HQ -Store $store | Get-AlloyScanSyncRun -Newest 2).Count | Should -Be 2
        (Get-AlloyScanSyncJob HQ -Store $store | Get-AlloyScanSyncRun).Count | Should -Be $all.Count
        ('HQ' | Get-AlloyScanSyncRun -Store $store).Count | Should -Be $all.Count
        ([pscustomobject]@{ RunId = $run.Id } | Get-AlloyScanSyncRun -Store $store).Id | Should -Be $run.Id
        ($run | Get-AlloyScanSyncJob).Name | Should -Be 'HQ'
        Get-ErrorId { Get-AlloyScanSyncRun -RunId 9999 -Store $store } | Should -Be 'RunNotFound'
        Get-ErrorId { Get-AlloyScanSyncRun none -Store $store } | Should -Be 'JobNotFound'
    }

    It 'reads the journal by run and by CI' {
        $created = Get-AlloyScanSyncChange -RunId $run.Id -Store $store | Where-Object Action -eq Create
        ($created.RecordId | Sort-Object -Unique).Count | Should -Be $run.Created
        $id = $created[0].RecordId
        (Get-AlloyScanSyncChange -RecordId $id -Store $store).RecordId | Sort-Object -Unique | Should -Be $id
        Get-ErrorId { Get-AlloyScanSyncChange 9999 -Store $store } | Should -Be 'RunNotFound'
    }

    It 'lists the errors of a run' {
        @($run | Get-AlloyScanSyncError).Count | Should -Be $run.Errors
        @(Get-AlloyScanSyncError -Store $store).Count | Should -BeGreaterOrEqual $run.Errors
        Get-ErrorId { Get-AlloyScanSyncError 9999 -Store $store } | Should -Be 'RunNotFound'
    }

    It 'verifies' {
        $checks = Test-AlloyScanSync HQ -Store $store
        $checks[0].PSTypeNames[0] | Should -Be 'AlloyScan.Engine.Sync.VerificationCheck'
        $checks.Verdict | Should -Not -Contain 'Failed'
        ($checks | Where-Object Check -eq 'Token').Verdict | Should -Be 'Passed'
        ($checks | Where-Object Check -eq 'Registration expiry').Verdict | Should -Be 'NotChecked'
        $checks.Check | Should -Contain 'CIs retired for absence'
        $checks.Check | Should -Contain 'Fields that go back and forth'
        foreach ($check in $checks | Where-Object Verdict -ne 'Passed') {
            $check.Advice | Should -Match '(Get|Set|Invoke|Test|Resolve|Split)-Alloy'
        }

        ($run | Test-AlloyScanSync).Check | Should -Be $checks.Check
        Get-ErrorId { Test-AlloyScanSync none -Store $store } | Should -Be 'JobNotFound'
    }

    It 'reads everything anew with -Full' {
        $usual = Invoke-AlloyScanSync HQ -Store $store
        $full = Invoke-AlloyScanSync HQ -Full -Store $store
        $full.ApiCalls | Should -BeGreaterThan ($usual.ApiCalls + 100)
        $full.Updated | Should -Be 0
    }
}

Describe 'Invoke-AlloyScanSync' {
    BeforeEach {
        $store = Join-Path $TestDrive "$([guid]::NewGuid()).db"
        $null = $site | New-AlloyScanSyncJob HQ -Store $store
    }

    It 'takes jobs from the pipeline, which carry their store' {
        $runs = Get-AlloyScanSyncJob -Store $store | Invoke-AlloyScanSync
        ('HQ', 'hq' | Invoke-AlloyScanSync -Store $store).Job | Should -Be 'HQ', 'HQ'
        $runs.Job | Should -Be 'HQ'
        $runs.Store | Should -Be $store
    }

    It 'refuses the rows of two plans and applies nothing' {
        $one = Get-AlloyScanSyncPlan HQ -Store $store
        $two = Get-AlloyScanSyncPlan HQ -Store $store
        $record = Get-ErrorOf { $one[0], $two[0] | Invoke-AlloyScanSync }
        $record.FullyQualifiedErrorId | Should -BeLike 'MixedPlans,*'
        Get-AlloyScanSyncRun -Store $store | Should -BeNullOrEmpty
    }

    It 'refuses the changes of a rehearsal' {
        $changes = Invoke-AlloyScanSync HQ -Store $store -WhatIf
        @(Get-ErrorId { $changes | Invoke-AlloyScanSync -Store $store }) | Should -Be 'PlanNotSaved'
    }

    It 'refuses an unknown plan' {
        Get-ErrorId { Invoke-AlloyScanSync -PlanId 4711 -Store $store } | Should -Be 'PlanNotFound'
    }

    It 'refuses a plan that was made with other settings' {
        $plan = Get-AlloyScanSyncPlan HQ -Store $store
        Set-AlloyScanSyncJob HQ -ImportSoftware None -Store $store
        Get-ErrorId { $plan | Invoke-AlloyScanSync } | Should -Be 'PlanOutdated'
        Get-AlloyCmdbComputer -Store $store | Should -BeNullOrEmpty
    }

    It 'skips rows that have moved since the plan was made' {
        $plan = Get-AlloyScanSyncPlan HQ -Store $store
        $null = $plan[0..4] | Invoke-AlloyScanSync
        $run = $plan[0..9] | Invoke-AlloyScanSync -WarningAction SilentlyContinue
        $run.Created | Should -Be 5
        $run.Skipped | Should -Be 5
    }

    It 'refuses a row that the plan does not have' {
        $plan = Get-AlloyScanSyncPlan HQ -Store $store
        Get-ErrorId { Invoke-AlloyScanSync -PlanId $plan[0].PlanId -Row 99999 -Store $store } | Should -Be 'PlanRowNotFound'
    }

    It 'reads only PlanId and Row of a piped change' {
        $plan = Get-AlloyScanSyncPlan HQ -Store $store
        $plan[3] | Export-Csv $TestDrive/row.csv
        $run = $plan[0..2] | Select-Object PlanId, Row, Store, @{ Name = 'DeviceId'; Expression = { 'edited' } } | Invoke-AlloyScanSync
        $run.Created | Should -Be 3
        Get-ErrorId { 'x' | Select-Object @{ Name = 'Other'; Expression = { 1 } } | Invoke-AlloyScanSync -Store $store } | Should -BeLike '*InputObject*'
    }

    It 'applies a whole plan by its number, and shows it with -WhatIf' {
        $plan = Get-AlloyScanSyncPlan HQ -Store $store
        @(Invoke-AlloyScanSync -PlanId $plan[0].PlanId -Store $store -WhatIf).Count | Should -Be $plan.Count
        $run = Invoke-AlloyScanSync -PlanId $plan[0].PlanId -Store $store
        $run.Created | Should -Be @($plan | Where-Object Action -eq Create).Count
    }

    It 'reports a site that is not there as an error of this job, and goes on with the next' {
        Set-AlloyScanSyncJob HQ -NewName Gone -SiteUrl 'http://127.0.0.1:9/' -Store $store
        $null = $site | New-AlloyScanSyncJob Here -Store $store
        $runs = Invoke-AlloyScanSync Gone, Here -Store $store -ErrorVariable problem -ErrorAction SilentlyContinue -WarningAction SilentlyContinue
        $problem.Count | Should -Be 1
        ($runs | Where-Object Job -eq Here).Status | Should -Be 'Succeeded'
    }

    It 'wants to know what a new address is when devices are linked, and goes on with them when it is the same site' {
        $null = Invoke-AlloyScanSync HQ -Store $store
        $moved = "http://localhost:$($site.SiteUrl.Port)/"
        Get-ErrorId { Set-AlloyScanSyncJob HQ -SiteUrl $moved -Store $store } | Should -Be 'SiteChangeUnclear'
        Set-AlloyScanSyncJob HQ -SiteUrl $moved -SiteChange SameSite -Store $store
        (Invoke-AlloyScanSync HQ -Store $store).Created | Should -Be 0
    }

    It 'names an unknown job' {
        Get-ErrorId { Invoke-AlloyScanSync none -Store $store } | Should -Be 'JobNotFound'
        Get-ErrorId { Get-AlloyScanSyncPlan none -Store $store } | Should -Be 'JobNotFound'
    }

    It 'stops cleanly when its calls are spent, and goes on the next time' {
        $first = Invoke-AlloyScanSync HQ -MaxApiCalls 60 -Store $store -WarningAction SilentlyContinue -ErrorAction SilentlyContinue
        $first.ApiCalls | Should -BeLessOrEqual 60
        $next = Invoke-AlloyScanSync HQ -Store $store
        $first.Created + $next.Created | Should -Be (@(Get-AlloyCmdbComputer -Store $store).Count + @(Get-AlloyCmdbHardware -Store $store).Count)
    }

    It 'shows progress and completes it' {
        $shell = [powershell]::Create()
        $null = $shell.AddScript("Import-Module '$(Get-BuiltModulePath)/AlloyScan.PowerShell.psd1'; Invoke-AlloyScanSync HQ -Store '$store'")
        $null = $shell.Invoke()
        $records = $shell.Streams.Progress | Where-Object Activity -like "*'HQ'*"
        $records.Count | Should -BeGreaterThan 0
        $records[-1].RecordType | Should -Be 'Completed'
        $shell.Dispose()
    }

    It 'imports the software of the chosen platforms only' {
        Set-AlloyScanSyncJob HQ -ImportSoftware Linux -Store $store
        $null = Invoke-AlloyScanSync HQ -Store $store
        $platforms = Get-AlloyCmdbInstallation -Store $store | Select-Object -ExpandProperty ComputerId -Unique | ForEach-Object { (Get-AlloyCmdbComputer -Id $_ -Store $store).OsPlatform } | Sort-Object -Unique
        $platforms | Should -Be 'Linux'
    }
}
