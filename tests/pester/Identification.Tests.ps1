BeforeAll {
    Import-Module $PSScriptRoot/TestHelper.psm1 -Force
    Import-BuiltModule
    $store = Join-Path $TestDrive 'rules.db'

    function Get-Order { param($Class) (Get-AlloyScanIdentificationRule -Class $Class -Store $store).Name -join '; ' }

    $shipped = @{
        Computer = 'Equal ID; Name and serial number match; Serial number matches; MAC address and name match; BIOS UUID matches; Default'
        Hardware = 'Equal ID; Serial number matches; MAC address matches; Default'
    }
}

Describe 'Identification rules' {
    BeforeEach {
        Reset-AlloyScanIdentificationRule -Store $store
    }

    It 'are the shipped ones in a new store, between the system rules' {
        Get-Order Computer | Should -Be $shipped.Computer
        Get-Order Hardware | Should -Be $shipped.Hardware
        $rules = Get-AlloyScanIdentificationRule -Store $store
        $rules[0].PSTypeNames[0] | Should -Be 'AlloyScan.Engine.Sync.Identify.IdentificationRule'
        @($rules | Where-Object IsSystem).Count | Should -Be 4
    }

    It 'are found by name, pattern and class, directly and from the pipeline' {
        (Get-AlloyScanIdentificationRule 'bios uuid MATCHES' -Store $store).Class | Should -Be 'Computer'
        @(Get-AlloyScanIdentificationRule '*MAC*' -Store $store).Count | Should -Be 2
        ('Serial number matches' | Get-AlloyScanIdentificationRule -Class Hardware -Store $store).Position | Should -Be 1
        (Get-AlloyScanIdentificationRule 'MAC address matches' -Store $store | Get-AlloyScanIdentificationRule).Name | Should -Be 'MAC address matches'
        Get-AlloyScanIdentificationRule 'no such*' -Store $store | Should -BeNullOrEmpty
        Get-ErrorId { Get-AlloyScanIdentificationRule 'no such rule' -Store $store } | Should -Be 'RuleNotFound'
    }

    It 'are made from text, hashtables and objects' -ForEach @(
        @{ Condition = { 'AssetTag matches', 'Name does not equal' } }
        @{ Condition = { 'asset tag MATCHES', 'name doesnotequal' } }
        @{ Condition = { @{ Attribute = 'AssetTag'; Operator = 'Matches' }, @{ attribute = 'Name'; operator = 'does not equal' } } }
        @{ Condition = { [pscustomobject]@{ Attribute = 'AssetTag'; Operator = 'matches' }, [pscustomobject]@{ Attribute = 'Name'; Operator = 'DoesNotEqual' } } }
        @{ Condition = { (New-AlloyScanIdentificationRule Other 'AssetTag matches', 'Name does not equal' -Class Hardware -Store $store).Conditions } }
    ) {
        $rule = New-AlloyScanIdentificationRule Tags -Class Computer -Condition (& $Condition) -Action Conflict -Position 2 -Store $store
        "$($rule.Conditions)" | Should -Be 'AssetTag matches Name does not equal'
        $rule.Action | Should -Be 'Conflict'
        Get-Order Computer | Should -BeLike 'Equal ID; Name and serial number match; Tags; Serial*'
    }

    It 'travel through JSON' {
        $json = Get-AlloyScanIdentificationRule -Store $store | ConvertTo-Json -Depth 4
        Get-AlloyScanIdentificationRule -Store $store | Where-Object IsSystem -eq $false | Remove-AlloyScanIdentificationRule
        Get-Order Computer | Should -Be 'Equal ID; Default'
        $null = $json | ConvertFrom-Json | Where-Object IsSystem -eq $false | New-AlloyScanIdentificationRule -Store $store
        Get-Order Computer | Should -Be $shipped.Computer
        "$((Get-AlloyScanIdentificationRule 'MAC address and name match' -Store $store).Conditions)" | Should -Be 'MacAddress matches Name matches'
    }

    It 'are changed and moved, directly and from the pipeline' {
        Set-AlloyScanIdentificationRule 'BIOS UUID matches' -Position 1 -Action Conflict -Store $store | Should -BeNullOrEmpty
        Get-Order Computer | Should -BeLike 'Equal ID; BIOS UUID matches; Name and*; MAC address and name match; Default'
        $changed = Get-AlloyScanIdentificationRule 'Serial number matches' -Store $store | Set-AlloyScanIdentificationRule -Condition 'SerialNumber equals', 'Name matches' -PassThru
        $changed.Class | Should -Be 'Computer', 'Hardware'
        "$($changed[1].Conditions)" | Should -Be 'SerialNumber equals Name matches'
        (Set-AlloyScanIdentificationRule 'BIOS UUID matches' -NewName Board -Store $store -PassThru).Position | Should -Be 1
    }

    It 'are removed, directly and from the pipeline' {
        Remove-AlloyScanIdentificationRule 'Serial number matches' -Class Hardware -Store $store
        Get-AlloyScanIdentificationRule '*MAC*' -Store $store | Remove-AlloyScanIdentificationRule
        Get-Order Hardware | Should -Be 'Equal ID; Default'
        Get-Order Computer | Should -Be 'Equal ID; Name and serial number match; Serial number matches; BIOS UUID matches; Default'
        (Reset-AlloyScanIdentificationRule Hardware -Store $store -PassThru).Count | Should -Be 4
        Get-Order Computer | Should -Not -BeLike '*MAC*'
    }

    It 'stay as they are with -WhatIf' {
        New-AlloyScanIdentificationRule Tags 'AssetTag matches' -Class Computer -Store $store -WhatIf | Should -BeNullOrEmpty
        Set-AlloyScanIdentificationRule 'BIOS UUID matches' -Position 1 -Store $store -WhatIf
        Get-AlloyScanIdentificationRule -Store $store | Where-Object IsSystem -eq $false | Remove-AlloyScanIdentificationRule -WhatIf
        Get-Order Computer | Should -Be $shipped.Computer
        Remove-AlloyScanIdentificationRule 'BIOS UUID matches' -Store $store
        Reset-AlloyScanIdentificationRule -Store $store -WhatIf
        Get-Order Computer | Should -Not -BeLike '*BIOS*'
    }

    It 'are refused when they would do harm' {
        Get-ErrorId { New-AlloyScanIdentificationRule All 'Name does not match' -Class Computer -Store $store } | Should -Be 'RuleTooBroad'
        Get-ErrorId { New-AlloyScanIdentificationRule Odd 'Color matches' -Class Computer -Store $store } | Should -Be 'InvalidRuleCondition'
        Get-ErrorId { New-AlloyScanIdentificationRule Odd @{ Attribute = 'Name' } -Class Computer -Store $store } | Should -Be 'InvalidRuleCondition'
        Get-ErrorId { New-AlloyScanIdentificationRule Twice 'Name matches', 'Name equals' -Class Computer -Store $store } | Should -Be 'InvalidIdentificationRule'
        Get-ErrorId { New-AlloyScanIdentificationRule Default 'Name matches' -Class Computer -Store $store } | Should -Be 'RuleExists'
        Get-ErrorId { New-AlloyScanIdentificationRule Far 'AssetTag matches' -Class Computer -Position 9 -Store $store } | Should -Be 'InvalidRulePosition'
        Get-ErrorId { New-AlloyScanIdentificationRule Maker 'AssetTag matches' -Class Computer -Action Create -Store $store } | Should -Be 'InvalidIdentificationRule'
        Get-ErrorId { Set-AlloyScanIdentificationRule 'Equal ID' -Class Computer -Position 2 -Store $store } | Should -Be 'RuleIsSystem'
        Get-ErrorId { Set-AlloyScanIdentificationRule 'Serial number matches' -Position 2 -Store $store } | Should -Be 'RuleAmbiguous'
        Get-ErrorId { Set-AlloyScanIdentificationRule 'BIOS UUID matches' -Store $store } | Should -Be 'NothingToSet'
        Get-ErrorId { Remove-AlloyScanIdentificationRule Default -Class Hardware -Store $store } | Should -Be 'RuleIsSystem'
        Get-Order Computer | Should -Be $shipped.Computer
    }

    It 'are made with a warning when they deserve a second thought' {
        $null = New-AlloyScanIdentificationRule Names 'Name matches' -Class Computer -Store $store -WarningVariable warnings -WarningAction SilentlyContinue
        $warnings | Should -BeLike '*name alone*'
        Set-AlloyScanIdentificationRule Names -Condition 'AssetTag equals' -Store $store -WarningVariable warnings -WarningAction SilentlyContinue
        $warnings | Should -BeLike '*Two blanks are equal*'
    }
}

Describe 'Junk identifiers' {
    BeforeAll {
        $site = Start-AlloyScanSampleSite -Devices 60
        $null = $site | Connect-AlloyScan
        $null = New-AlloyScanSyncJob HQ -Store $store
        $null = Invoke-AlloyScanSync HQ -Store $store
        $computer = Get-AlloyCmdbComputer -Store $store | Where-Object SerialNumber | Select-Object -First 1
    }

    AfterAll {
        Get-AlloyScanConnection | Disconnect-AlloyScan
        Stop-AlloyScanSampleSite
    }

    AfterEach {
        Get-AlloyScanJunkIdentifier -Source Own -Store $store | Remove-AlloyScanJunkIdentifier
    }

    It 'lists what is shipped, anchored' {
        (Get-AlloyScanJunkIdentifier DEFAULTSTRING -Attribute SerialNumber -Store $store).Source | Should -Be 'Shipped'
        (Get-AlloyScanJunkIdentifier -Attribute BiosUuid -Store $store).Value | Should -Contain '03000200-0400-0500-0006-000700080009'
        (Get-AlloyScanJunkIdentifier '00E04C*' -Store $store).Effect | Should -Be 'NeverAlone'
        @(Get-AlloyScanJunkIdentifier -Store $store | Select-Object -First 2).Count | Should -Be 2
    }

    It 'adds, finds and removes own entries in any form, and says who carries them' {
        $junk = Add-AlloyScanJunkIdentifier SerialNumber $computer.SerialNumber.ToLower() -Note 'for a test' -Store $store -WarningVariable warnings -WarningAction SilentlyContinue
        $junk.PSTypeNames[0] | Should -Be 'AlloyScan.Engine.Sync.Identify.JunkIdentifier'
        $junk.LiveLinks | Should -Be 1
        $warnings | Should -BeLike '*1 linked CI*'
        $carrier = $junk | Get-AlloyScanJunkIdentifier -Carriers
        $carrier.DeviceId | Should -Be $computer.DeviceId
        $carrier.RecordId | Should -Be $computer.Id
        ($carrier | Get-AlloyCmdbComputer).Id | Should -Be $computer.Id
        $null = '00-50-b6-11-22-33', '0050B6112234' | Add-AlloyScanJunkIdentifier MacAddress -Store $store
        (Get-AlloyScanJunkIdentifier '0050.b611.2233' -Source Own -Store $store).Value | Should -Be '00:50:B6:11:22:33'
        Remove-AlloyScanJunkIdentifier MacAddress '00:50:b6:11:22:33' -Store $store
        (Get-AlloyScanJunkIdentifier -Source Own -Attribute MacAddress -Store $store).Value | Should -Be '00:50:B6:11:22:34'
    }

    It 'changes nothing with -WhatIf' {
        Add-AlloyScanJunkIdentifier AssetTag POOL -Store $store -WhatIf | Should -BeNullOrEmpty
        Get-AlloyScanJunkIdentifier -Source Own -Store $store | Should -BeNullOrEmpty
        $null = Add-AlloyScanJunkIdentifier AssetTag POOL -Store $store
        Get-AlloyScanJunkIdentifier -Source Own -Store $store | Remove-AlloyScanJunkIdentifier -WhatIf
        @(Get-AlloyScanJunkIdentifier -Source Own -Store $store).Count | Should -Be 1
    }

    It 'reports what cannot be junk or cannot be removed, and goes on' {
        Get-ErrorId { Add-AlloyScanJunkIdentifier MacAddress 00:50:B6:11:22:3 -Store $store } | Should -Be 'InvalidJunkIdentifier'
        Get-ErrorId { Add-AlloyScanJunkIdentifier AuditId x -Store $store } | Should -Be 'InvalidJunkIdentifier'
        Get-ErrorId { Add-AlloyScanJunkIdentifier SerialNumber 'To be filled by O.E.M.' -Store $store } | Should -Be 'JunkIdentifierExists'
        Get-ErrorId { Remove-AlloyScanJunkIdentifier SerialNumber 'Default string' -Store $store } | Should -Be 'JunkIdentifierShipped'
        Get-ErrorId { Remove-AlloyScanJunkIdentifier SerialNumber NOWHERE -Store $store } | Should -Be 'JunkIdentifierNotFound'
        $added = Add-AlloyScanJunkIdentifier MacAddress 00:50:B6, 00:50:B6:11:22:35 -Store $store -ErrorVariable problem -ErrorAction SilentlyContinue
        $added.Value | Should -Be '00:50:B6:11:22:35'
        $problem[0].FullyQualifiedErrorId | Should -BeLike 'InvalidJunkIdentifier,*'
    }
}

Describe 'Test-AlloyScanIdentification' {
    BeforeAll {
        $site = Start-AlloyScanSampleSite -Devices 80
        $null = $site | Connect-AlloyScan
        $tested = Join-Path $TestDrive 'tested.db'
        $null = New-AlloyScanSyncJob HQ -Store $tested
        $unknown = Get-AlloyScanDevice -Type computer | Select-Object -First 1
        $new = $unknown | Test-AlloyScanIdentification -Store $tested
        $null = Invoke-AlloyScanSync HQ -Store $tested
        $computers = Get-AlloyCmdbComputer -Store $tested
        $before = Get-AlloyScanSyncChange -Store $tested | Measure-Object | ForEach-Object Count
    }

    AfterAll {
        Get-AlloyScanConnection | Disconnect-AlloyScan
        Stop-AlloyScanSampleSite
    }

    It 'explains a device that the store does not know from the site' {
        $new[0].PSTypeNames[0] | Should -Be 'AlloyScan.Engine.Sync.Identify.IdentificationStep'
        $new.Rule | Should -Be $shipped.Computer.Split('; ')
        ($new | Where-Object Decides).Result | Should -Be 'Create'
        $new[0].DeviceId | Should -Be $unknown.Id
    }

    It 'explains a linked device by ID, by name and from the pipeline' {
        $computer = $computers[0]
        foreach ($steps in @(
                , (Test-AlloyScanIdentification $computer.DeviceId -Job HQ -Store $tested)
                , (Test-AlloyScanIdentification -Device $computer.Name -Store $tested)
                , ($computer | Test-AlloyScanIdentification)
                , ([pscustomobject]@{ DeviceId = $computer.DeviceId; Job = 'HQ' } | Test-AlloyScanIdentification -Store $tested)
                , ($computer.DeviceId | Test-AlloyScanIdentification -Store $tested)
            )) {
            $decides = $steps | Where-Object Decides
            $decides.Rule | Should -Be 'Equal ID'
            $decides.Result | Should -Be 'Linked'
            $decides.RecordId | Should -Be $computer.Id
        }
    }

    It 'shows both sides of each condition' {
        $step = $computers | Where-Object SerialNumber | Select-Object -First 1 | Test-AlloyScanIdentification | Where-Object Position -eq 1
        "$($step.Conditions[0])" | Should -BeLike "Name matches: device $($step.DeviceName), CI $($step.DeviceName): holds"
        $step.Conditions[1].Held | Should -BeTrue
    }

    It 'says why a device is not recognised' {
        $computer = $computers | Where-Object SerialNumber | Select-Object -First 1
        $null = Add-AlloyScanJunkIdentifier SerialNumber $computer.SerialNumber -Store $tested -WarningAction SilentlyContinue
        $steps = $computer | Test-AlloyScanIdentification
        ($steps | Where-Object Rule -eq 'Serial number matches').Reason | Should -BeLike '*added to the junk identifiers*'
        Remove-AlloyScanJunkIdentifier SerialNumber $computer.SerialNumber -Store $tested
    }

    It 'finds no difference in the stored rules' {
        Test-AlloyScanIdentification -Rule (Get-AlloyScanIdentificationRule -Store $tested) -Store $tested | Should -BeNullOrEmpty
    }

    It 'lists what other rules would do, from objects, hashtables, JSON and text' -ForEach @(
        @{ Rule = { @{ Class = 'Computer'; Name = 'All'; Condition = 'AssetTag equals', 'SerialNumber does not match' } } }
        @{ Rule = { [pscustomobject]@{ Class = 'Computer'; Conditions = @([pscustomobject]@{ Attribute = 'AssetTag'; Operator = 'Equals' }, 'SerialNumber does not match') } } }
        @{ Rule = { 'computer: AssetTag equals and SerialNumber does not match' } }
        @{ Rule = {
                $null = New-AlloyScanIdentificationRule All 'AssetTag equals', 'SerialNumber does not match' -Class Computer -Store $store -WarningAction SilentlyContinue
                $rule = Get-AlloyScanIdentificationRule All -Store $store
                Remove-AlloyScanIdentificationRule All -Store $store
                $rule | ConvertTo-Json -Depth 4 | ConvertFrom-Json
            } }
    ) {
        $differences = Test-AlloyScanIdentification -Rule (& $Rule) -Job HQ -Store $tested
        $differences[0].PSTypeNames[0] | Should -Be 'AlloyScan.Engine.Sync.Identify.IdentificationDifference'
        $differences.Kind | Sort-Object -Unique | Should -Be 'Merge'
        $differences[0].OtherRecordId | Should -Not -Be $differences[0].RecordId
        @(Test-AlloyScanIdentification -Rule (& $Rule) -Store $tested | Select-Object -First 1).Count | Should -Be 1
    }

    It 'writes nothing' {
        Get-AlloyScanSyncChange -Store $tested | Measure-Object | ForEach-Object Count | Should -Be $before
        (Get-AlloyScanIdentificationRule -Class Computer -Store $tested).Name -join '; ' | Should -Be $shipped.Computer
    }

    It 'reports what it cannot test, and goes on' {
        Get-ErrorId { Test-AlloyScanIdentification no-such-device -Store $tested } | Should -Be 'DeviceNotFound'
        Get-ErrorId { Test-AlloyScanIdentification x -Job Nobody -Store $tested } | Should -Be 'JobNotFound'
        Get-ErrorId { Test-AlloyScanIdentification x -Site Nowhere -Store $tested } | Should -Be 'JobNotFound'
        Get-ErrorId { Test-AlloyScanIdentification -Rule nonsense -Store $tested } | Should -Be 'InvalidIdentificationRule'
        Get-ErrorId { Test-AlloyScanIdentification -Rule @{ Class = 'Computer'; Name = 'All' } -Store $tested } | Should -Be 'RuleTooBroad'
        Get-ErrorId { Test-AlloyScanIdentification -Rule @{ Class = 'Car'; Condition = 'Name matches' } -Store $tested } | Should -Be 'InvalidIdentificationRule'
        $steps = Test-AlloyScanIdentification no-such-device, $computers[0].DeviceId -Store $tested -ErrorVariable problem -ErrorAction SilentlyContinue
        $steps.DeviceId | Sort-Object -Unique | Should -Be $computers[0].DeviceId
        $problem[0].FullyQualifiedErrorId | Should -BeLike 'DeviceNotFound,*'
    }
}

Describe 'Test-AlloyScanIdentification with several sites' {
    BeforeAll {
        # Two sites with the same machines: what one has linked is a question for the other.
        $two = Join-Path $TestDrive 'two.db'
        $null = Start-AlloyScanSampleSite -Devices 30 | New-AlloyScanSyncJob First -Store $two
        $null = Invoke-AlloyScanSync First -Store $two
        $null = Start-AlloyScanSampleSite -Devices 30 | New-AlloyScanSyncJob Second -Store $two -IdentificationSite (Get-AlloyScanSyncJob First -Store $two).Site
        $null = Invoke-AlloyScanSync Second -Store $two 3>$null
    }

    AfterAll {
        Stop-AlloyScanSampleSite
    }

    It 'explains conflicts from the pipeline by their job' {
        $conflicts = Get-AlloyScanConflict -Store $two | Where-Object { $_.Candidates.Count -eq 1 } | Select-Object -First 3
        $decides = $conflicts | Test-AlloyScanIdentification | Where-Object Decides
        $decides.Result | Should -Be 'Conflict', 'Conflict', 'Conflict'
        $decides.Job | Sort-Object -Unique | Should -Be 'Second'
        $decides.RecordId | Should -Be $conflicts.Candidates
        $decides.Reason | Should -Be $conflicts.Reason
    }

    It 'explains links from the pipeline by their site' {
        $links = Get-AlloyScanLink -State Live -Store $two | Select-Object -First 2
        $decides = $links | Test-AlloyScanIdentification | Where-Object Decides
        $decides.RecordId | Should -Be $links.RecordId
        $decides.Job | Sort-Object -Unique | Should -Be 'First'
    }

    It 'asks for a job where several sites could be meant' {
        Get-ErrorId { Test-AlloyScanIdentification x -Store $two } | Should -Be 'JobNeeded'
    }
}

Describe 'about_AlloyScan_Identification' {
    It 'is found by Get-Help and names what there is' {
        $text = Get-Help about_AlloyScan_Identification | Out-String
        foreach ($word in 'Equal ID', 'Default', 'does not equal', 'AuditId', 'Test-AlloyScanIdentification') {
            $text | Should -BeLike "*$word*"
        }
    }
}
